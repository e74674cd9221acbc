from __future__ import annotations

import pytest

from quantbench.report.verdicts import row_verdict, speed_text
from tests.report.builder import results, row

SLOW = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)
WORSE = {"correct": 9_800, "lost": 120, "gained": 20}


def quantized(method="static", **changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": SLOW, "single": 100.0, "model": 50.0}
    return row(method, "openvino", **(fields | changes))


def verdict(this, *others):
    return row_verdict(results(SLOW, FAST, this, *others), this)


@pytest.mark.parametrize(
    ("single", "model", "word"),
    [
        (20.0, 10.0, "ship"),
        (20.0, 50.0, "ship at 1"),
        (100.0, 10.0, "ship at 1,000"),
        (100.0, 50.0, "slower"),
        (40.0, 25.0, "not resolved"),
        (40.0, 50.0, "slower at 1,000"),
    ],
)
def test_a_verdict_is_that_of_both_times(single, model, word):
    assert verdict(quantized(single=single, model=model)) == word


def test_a_row_that_is_faster_and_not_the_one_to_ship():
    best = quantized("best", single=10.0, model=10.0)
    assert verdict(quantized(single=20.0, model=20.0), best) == "faster"
    assert verdict(quantized(single=20.0, model=50.0), best) == "faster at 1"
    assert verdict(quantized(single=50.0, model=20.0), best) == "faster at 1,000"


def test_many_starts_can_show_that_times_are_equivalent():
    best = quantized("best", single=10.0, model=10.0, starts=6)
    same = quantized(single=40.0, model=25.0, starts=6)
    assert verdict(same, best) == "equivalent"


def test_a_score_that_rules_a_row_out_comes_before_its_times():
    assert verdict(quantized(single=20.0, model=10.0, **WORSE)) == "worse"
    this = quantized(single=20.0, model=10.0)
    for changes, word in (
        ({"verdict": "not judged"}, "not judged"),
        ({"costs": True}, "likely worse"),
    ):
        against = this.against_float.model_copy(update=changes)
        assert verdict(this.model_copy(update={"against_float": against})) == word


def test_float32_is_the_baseline_or_judged_by_its_times():
    study = results(SLOW, FAST)
    assert row_verdict(study, FAST) == "baseline"
    assert row_verdict(study, SLOW) == "slower"


def test_what_has_no_times_says_why():
    untimed = {"latency": (), "against_fastest": ()}
    fake = quantized(kind="simulated").model_copy(update=untimed)
    assert verdict(fake) == "simulated"
    assert verdict(quantized().model_copy(update=untimed)) == "not timed"


def test_a_speed_that_is_not_resolved_has_a_question_mark():
    clear, near = quantized(single=20.0), quantized(single=40.0)
    assert speed_text(clear.against_fastest[0]) == "2.00"
    assert speed_text(near.against_fastest[0]) == "1.00?"
    assert speed_text(None) == "–"
