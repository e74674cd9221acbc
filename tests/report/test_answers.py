from __future__ import annotations

import pytest

from quantbench.report.answers import answers_of
from quantbench.results.records import BySeed, Choice
from tests.report.builder import (
    SQUARED,
    against_fastest,
    errors,
    noise,
    results,
    row,
)

SLOW = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(method="static", **changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": SLOW, "single": 100.0}
    return row(method, "openvino", **(fields | changes))


def answers(*rows, **changes):
    return answers_of(results(SLOW, FAST, *rows, **changes))


def test_what_is_shipped_gains_and_costs():
    (answer,) = answers(quantized(single=20.0, model=10.0, correct=9_895, lost=15, gained=10))
    assert answer.name == "One image at a time and batches of 1,000"
    assert answer.sentences == (
        "ship static on openvino (artifacts/static-openvino): 2.00 times (95% interval 1.94–2.06) "
        "as fast as float32 on onnxruntime, the fastest float32, and 2.50 times (95% interval "
        "2.43–2.58) in batches; 75,000 bytes, 3.32 times smaller. Accuracy −0.05 points (95% "
        "interval −0.16 to +0.06, not resolved by 10,000 images) against float32 on torch."
    )
    assert answer.remarks == ()


def test_what_is_equivalent_says_within_what():
    (answer,) = answers(quantized(single=20.0, model=10.0, lost=2, gained=1))
    assert "to +0.04, equivalent within 0.1 points) against float32 on torch." in answer.text
    metric = SQUARED.model_copy(update={"equivalence": 0.01})
    fast = errors(0.1, "static", single=20.0, model=10.0, float_macs=0, baseline=SLOW,
                  verdict="equivalent")  # fmt: skip
    (answer,) = answers_of(results(errors(0.1), fast, metric=metric))
    assert "equivalent within 0.010 units²) against" in answer.text


def test_two_rows_to_ship_are_two_answers():
    one = quantized(single=20.0, model=80.0)
    many = quantized("dynamic", single=80.0, model=10.0)
    first, second = answers(one, many)
    assert (first.name, second.name) == ("One image at a time", "Batches of 1,000")
    assert first.sentences.startswith("ship static on openvino")
    assert second.sentences.startswith("ship dynamic on openvino")
    assert " in batches" not in first.text + second.text


def test_where_the_fastest_float_differs_in_batches_both_are_named():
    this = quantized(single=20.0, model=10.0)
    study = results(SLOW, FAST, this)
    elsewhere = study.answers[1].model_copy(update={"float32": SLOW.name})
    (answer,) = answers_of(study.model_copy(update={"answers": (study.answers[0], elsewhere)}))
    assert "2.58) as fast as float32 on torch in batches;" in answer.text


def test_rows_that_are_as_fast_are_named():
    (answer,) = answers(
        quantized(single=20.0, model=10.0),
        quantized("qat", single=20.2, model=10.1, size=80_000),
        quantized("far", single=25.0, model=12.0, size=60_000),
    )
    assert answer.remarks == ("As fast within 3%: qat on openvino.",)
    (answer,) = answers(
        quantized(single=20.0, model=10.0),
        quantized("qat", single=20.2, model=20.0, size=80_000),
    )
    assert answer.remarks == ("As fast within 3%: at 1: qat on openvino.",)


def test_of_many_that_are_as_fast_six_are_named():
    study = results(SLOW, FAST, quantized(single=20.0, model=10.0))
    ties = tuple(f"m{n} on {'c99' if n % 2 else 'torch'}" for n in range(8))
    shipped = tuple(
        answer.model_copy(update={"ship": answer.ship.model_copy(update={"ties": ties})})
        for answer in study.answers
    )
    (answer,) = answers_of(study.model_copy(update={"answers": shipped}))
    assert answer.remarks == (
        "As fast within 3%: m0, m2 and m4 on torch, m1, m3 and m5 on c99, 2 more.",
    )


def test_what_the_runtime_gains_by_itself_is_said():
    this = row("static", "onnxruntime", size=75_000, float_macs=0, baseline=FAST, single=20.0)
    this = this.model_copy(update={"against_fastest": against_fastest(this.latency)})
    assert answers(this)[0].remarks == (
        "The runtime alone: float32 on onnxruntime is 5.00 times (95% interval 4.85–5.15) as fast "
        "as float32 on torch, the fastest float32 of another runtime; this row is 10.0 times (95% "
        "interval 9.71–10.3).",
    )


def test_what_other_seeds_gave_is_said():
    this = quantized(single=20.0, model=10.0)
    seeds = BySeed(differences=(0.0, -0.001, 0.0004), mean=-0.0002, spread=0.00072)
    against = this.against_float.model_copy(update={"seeds": seeds})
    assert answers(this.model_copy(update={"against_float": against}))[0].remarks == (
        "Over 3 seeds: accuracy −0.02 points on average, with a standard deviation of 0.07.",
    )


def test_a_larger_file_is_said():
    (answer,) = answers(quantized(single=20.0, model=10.0, size=300_000))
    assert "; 300,000 bytes, no fewer than its 249,000. " in answer.text


def test_where_float_is_kept_the_smallest_is_told():
    (answer,) = answers(quantized(single=80.0, model=25.0))
    assert answer.sentences == (
        "keep float32 on onnxruntime: of the quantized rows that aren't worse in accuracy, none is "
        "shown faster. The smallest of them, static on openvino (artifacts/static-openvino), has "
        "75,000 bytes, 3.32 times smaller, and is slower: 0.50 times (95% interval 0.49–0.52), in "
        "batches not resolved: 1.00 times (95% interval 0.97–1.03) as fast. Accuracy 0.00 points "
        "(95% interval −0.04 to +0.04, equivalent within 0.1 points) against float32 on torch."
    )


def test_where_nothing_speaks_for_quantizing():
    (answer,) = answers()
    assert answer.text == (
        "One image at a time and batches of 1,000: keep float32 on onnxruntime: nothing quantized "
        "was measured."
    )
    (answer,) = answers(quantized(single=20.0, correct=9_800, lost=120, gained=20))
    assert answer.sentences == (
        "keep float32 on onnxruntime: every quantized row is worse in accuracy."
    )
    (answer,) = answers(quantized(size=250_000))
    assert answer.sentences.endswith("is shown faster, and none has fewer bytes.")


@pytest.mark.parametrize(
    ("start_seconds", "time"),
    [(8.0, ", about 48 s of measuring"), (60.0, ", about 6 min of measuring"), (None, "")],
)
def test_what_would_resolve_a_time_is_said(start_seconds, time):
    """One start tells no spread between starts: six, one more than the fewest, are named."""
    near = quantized(single=39.0, model=80.0)
    answer = answers(near, noise=noise(start_seconds=start_seconds))[0]
    assert answer.remarks == (
        "Not resolved: static on openvino at 1 (1.00–1.06 times); likely resolved by "
        f"--starts 6{time}.",
    )


def test_what_no_number_of_starts_resolves_is_said():
    """A row that is 2 % faster at a floor of 1 %: between a difference and an equivalence."""
    near = quantized(single=39.0, model=80.0)
    ratios = tuple(ratio.model_copy(update={"resolved_by": None}) for ratio in near.against_fastest)
    answer = answers(near.model_copy(update={"against_fastest": ratios}))[0]
    assert answer.remarks[0].endswith("; more starts aren't known to resolve it.")


def test_a_row_that_is_ruled_out_by_its_score_is_not_called_open():
    near = quantized(single=39.0, model=80.0, correct=9_800, lost=120, gained=20)
    other = quantized("other", single=200.0, model=80.0)
    assert not any(answer.remarks for answer in answers(near, other))


def test_a_choice_that_many_rows_were_tried_for_may_not_be_resolved():
    study = results(SLOW, FAST, quantized(single=20.0, model=10.0))
    answer = study.answers[0]
    speed = answer.ship.speed.model_copy(
        update={"low": 0.99, "verdict": "not resolved", "resolved_by": 9}
    )
    ship: Choice = answer.ship.model_copy(update={"speed": speed})
    changed = (answer.model_copy(update={"ship": ship}), study.answers[1])
    (told,) = answers_of(study.model_copy(update={"answers": changed}))
    assert told.remarks == (
        "Not resolved: static on openvino at 1 (0.99–2.06 times); likely resolved by --starts 9, "
        "about 72 s of measuring.",
    )
