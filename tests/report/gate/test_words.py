from __future__ import annotations

import pytest

from quantbench.report.gate.words import case_name, figure, sentence, summary
from quantbench.results.gate.estimate import Estimate, Outcome
from quantbench.results.gate.rule import Dimension
from tests.report.gate.checks import ALL, FAILED, OPEN, PASSED, check


def test_sentences() -> None:
    assert [(case_name(x), sentence(x)) for x in ALL] == [
        ("latency[static on torch] > +3%",
         "A 41.0 µs, B 43.1 µs, +5.10% (95% interval +3.20% to +7.00%)"),
        ("flash > 64kB", "A 60,000 bytes, B 61,000 bytes"),
        ("accuracy[static on torch] < -0.1",
         "A 99.00%, B 98.88%, −0.12 points (95% interval −0.25 points to +0.01 points); "
         "more test images"),
    ]  # fmt: skip


def test_a_budget_shows_the_interval_of_the_figure() -> None:
    judged = check("latency > 2ms", Outcome.PASS, b=1500.0, estimate=Estimate(1500, 1450, 1550))
    assert sentence(judged) == "B 1.50 ms, 95% interval 1.45 ms to 1.55 ms"
    change = check("latency > +10us", Outcome.PASS, b=50.0, estimate=Estimate(-2.0, -4.0, 0.5))
    assert sentence(change) == "B 50.0 µs, −2.00 µs (95% interval −4.00 µs to +0.500 µs)"


def test_outcomes_are_counted() -> None:
    assert summary(ALL) == "3 checks: 1 pass, 1 fail, 1 not resolved"
    assert summary((PASSED,)) == "1 check: 1 pass"
    assert summary((FAILED, FAILED, OPEN)) == "3 checks: 2 fail, 1 not resolved"


@pytest.mark.parametrize(
    ("dimension", "value", "text"),
    [("time", 0.5, "0.500 µs"), ("time", 999.0, "999 µs"), ("time", 1000.0, "1.00 ms"),
     ("time", 2_500_000.0, "2.50 s"), ("bytes", 65_536.0, "65,536 bytes"),
     ("rate", 25_000.0, "25,000/s"), ("fraction", 0.99996, "99.99%"), ("number", 0.0305, "0.03050"),
     ("number", None, "–")],
)  # fmt: skip
def test_figures_have_units(dimension: Dimension, value: float | None, text: str) -> None:
    assert figure(dimension, value) == text
