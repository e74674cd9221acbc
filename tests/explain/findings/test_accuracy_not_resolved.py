from __future__ import annotations

import pytest
from scipy.stats import norm

from quantbench.explain.findings.accuracy_not_resolved import samples_needed
from tests.explain.builder import FLOAT, found, quantized
from tests.report.builder import ACCURACY, SQUARED, errors, results

RULE = "accuracy_not_resolved"
OPEN = quantized(correct=9_870, lost=60, gained=40)


def test_fires_with_the_number_of_samples_that_would_resolve_it() -> None:
    assert OPEN.against_float is not None
    assert OPEN.against_float.verdict == "not resolved"
    (finding,) = found(RULE, results(OPEN))
    assert (finding.weight, finding.rows) == ("note", ("static on openvino",))
    assert finding.evidence[0].unit == "images"
    assert f"about {finding.evidence[0].value:,.0f} would" in finding.sentence


@pytest.mark.parametrize(("lost", "gained"), [(60, 40), (30, 20), (200, 170)])
def test_the_number_is_that_of_the_normal_approximation(lost: int, gained: int) -> None:
    """McNemar's statistic (b - c)^2 / (b + c) has to reach z^2, and b, c grow with the samples.

    The exact test is a little stricter, by about half a sample of each count.
    """
    row = quantized(correct=9_700, lost=lost, gained=gained)
    needed = samples_needed(row, ACCURACY.model_copy(update={"equivalence": 0.0}))
    plain = 10_000 * norm.isf(0.025) ** 2 * (lost + gained) / (lost - gained) ** 2
    assert needed is not None
    assert plain <= needed <= 1.15 * plain


def test_rates_that_are_alike_are_resolved_as_equivalent() -> None:
    """Newcombe's interval of 0 +- z sqrt((b + c) / n^2) lies within 0.1 points from then on."""
    row = quantized(correct=9_800, lost=50, gained=50)
    needed = samples_needed(row, ACCURACY)
    plain = norm.isf(0.025) ** 2 * (100 / 10_000) / 0.001**2
    assert needed == pytest.approx(plain, rel=0.1)


def test_a_correction_for_many_rows_takes_more_samples() -> None:
    against = OPEN.against_float
    assert against is not None
    assert against.p is not None
    strict = OPEN.model_copy(
        update={"against_float": against.model_copy(update={"adjusted_p": 10 * against.p})}
    )
    alone, among = (samples_needed(each, ACCURACY) for each in (OPEN, strict))
    assert alone is not None
    assert among is not None
    assert among > 1.2 * alone


def test_does_not_fire_where_the_change_is_resolved_or_not_one_of_counts() -> None:
    worse = quantized(correct=9_800, lost=120, gained=20)
    same = quantized(correct=9_900, lost=1, gained=1)
    assert found(RULE, results(worse, same)) == []
    by_errors = errors(0.1, "static", "openvino", float_macs=0, baseline=FLOAT, size=7)
    assert found(RULE, results(by_errors, metric=SQUARED)) == []
