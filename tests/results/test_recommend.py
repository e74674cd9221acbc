from __future__ import annotations

import pytest

from quantbench.results.recommend import pareto, recommendations, with_recommendations
from quantbench.results.statistics import paired_difference
from tests.report.builder import ACCURACY, SQUARED, against_fastest, errors, latency, results, row

SLOW = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(method="static", runtime="openvino", **changes):
    fields = {"size": 75_000, "float_macs": 0, "baseline": SLOW, "single": 100.0}
    return row(method, runtime, **(fields | changes))


def shipped(*rows):
    """What is shipped at one image, and in batches."""
    return [answer.ship and answer.ship.row for answer in recommendations((SLOW, FAST, *rows))]


def smallest(*rows):
    return [
        answer.smallest and answer.smallest.row for answer in recommendations((SLOW, FAST, *rows))
    ]


def test_the_fastest_float_is_the_one_that_rows_were_compared_with():
    """Found by pairs of slices; its plain median may be beaten."""
    compiled = row(runtime="torch_compile", single=30.0, model=20.0)
    single, batch = recommendations((SLOW, FAST, compiled))
    assert (single.batch, single.float32) == (1, "float32 on onnxruntime")
    assert (batch.batch, batch.float32) == (1000, "float32 on onnxruntime")
    assert single.threads == batch.threads == 1


def test_the_fastest_of_those_shown_faster_is_shipped():
    rows = (quantized(single=30.0, model=10.0), quantized("qat", single=20.0, model=20.0))
    assert shipped(*rows) == ["qat on openvino", "static on openvino"]
    assert smallest(*rows) == [None, None]


def test_the_fastest_is_passed_over_where_it_is_not_shown_faster():
    """Its blocks scatter, so its interval holds 1."""
    wild = quantized("wild", single=25.0, wobble=0.9)
    assert wild.against_fastest[0].verdict == "not resolved"
    assert shipped(wild, quantized(single=30.0))[0] == "static on openvino"
    assert shipped(wild)[0] is None


def test_what_is_shown_to_be_worse_is_never_shipped():
    worse = quantized("worse", single=10.0, model=10.0, correct=9_800, lost=120, gained=20)
    assert shipped(worse) == [None, None]
    assert smallest(worse) == [None, None]
    assert shipped(worse, quantized(single=30.0))[0] == "static on openvino"


def test_what_loses_images_without_being_shown_worse_is_shipped():
    assert shipped(quantized(single=20.0, correct=9_895, lost=15, gained=10))[0] is not None


def test_faster_than_float32_in_its_own_engine_alone_is_not_enough():
    dynamic = quantized(single=100.0, model=40.0)
    assert [ratio.verdict for ratio in dynamic.against_float.speed[:2]] == ["faster", "faster"]
    assert shipped(dynamic) == [None, None]


def test_a_faster_float_or_fake_quantization_is_not_shipped():
    assert shipped(quantized(single=20.0, kind="simulated"))[0] is None
    assert shipped(row(runtime="openvino", single=20.0))[0] is None


def test_where_float_is_kept_the_smallest_is_named():
    rows = (
        quantized(size=80_000),
        quantized("qat", "torch", size=70_000, single=300.0),
        quantized("qat", size=70_000, single=200.0),
        quantized("worse", size=60_000, correct=9_800, lost=120, gained=20),
    )
    assert smallest(*rows) == ["qat on openvino", "qat on torch"]
    assert recommendations((SLOW, FAST, *rows))[0].smallest.bytes_saved == 249_000 - 70_000


def test_nothing_larger_than_the_float_is_named_for_its_size():
    assert smallest(quantized(size=249_000)) == [None, None]
    assert smallest(quantized(size=248_999)) == ["static on openvino"] * 2


def test_a_choice_carries_its_ratio_and_the_paired_difference():
    row = quantized(single=20.0, correct=9_895, lost=15, gained=10)
    choice = recommendations((SLOW, FAST, row))[0].ship
    assert choice.speed == row.against_fastest[0]
    assert choice.difference == paired_difference(9_885, 10, 15, 90)
    assert choice.bytes_saved == 249_000 - 75_000


def test_the_engine_has_a_share_where_the_fastest_float_is_its_own():
    """FAST takes 40 us, SLOW 200: of 10 times over the other engine, 5 are the engine's."""
    shipped_row = quantized(runtime="onnxruntime", single=20.0, model=12.5)
    shipped_row = shipped_row.model_copy(
        update={"against_fastest": against_fastest(shipped_row.latency)}
    )
    single, batch = recommendations((SLOW, FAST, shipped_row))
    assert single.share.float32 == batch.share.float32 == "float32 on torch"
    assert round(single.share.engine.value, 6) == 5
    assert round(single.share.whole.value, 6) == 10
    assert round(batch.share.engine.value, 6) == 3.2
    assert round(batch.share.whole.value, 6) == 6.4
    assert all(x.share is None for x in recommendations((SLOW, FAST, quantized(single=20.0))))


def test_without_times_there_is_no_answer():
    assert recommendations(()) == ()
    assert recommendations((SLOW.model_copy(update={"latency": ()}),)) == ()
    alone = SLOW.model_copy(update={"latency": (latency("model", 1, 200.0),)})
    assert [answer.batch for answer in recommendations((alone,))] == [1]


def on_front(*costs):
    """Of rows with so many right images, microseconds and bytes."""
    return pareto([row(correct=c, single=t, size=b) for c, t, b in costs], ACCURACY)


@pytest.mark.parametrize(
    ("rival", "expected"),
    [
        ((9_901, 100.0, 1_000), (False, True)),
        ((9_900, 99.0, 1_000), (False, True)),
        ((9_900, 100.0, 999), (False, True)),
        ((9_901, 101.0, 1_000), (True, True)),
        ((9_899, 99.0, 999), (True, True)),
        ((9_899, 100.0, 1_000), (True, False)),
        ((9_900, 100.0, 1_000), (True, True)),
    ],
)
def test_pareto_of_two(rival, expected):
    assert on_front((9_900, 100.0, 1_000), rival) == expected


def test_pareto_looks_past_neighbours_and_skips_what_was_not_timed():
    front = on_front(
        (9_900, 100.0, 900), (9_800, 50.0, 950), (9_800, 60.0, 960), (9_700, 40.0, 999)
    )
    assert front == (True, True, False, True)
    untimed = row(correct=10_000, size=1, latency=())
    assert pareto([untimed, SLOW], ACCURACY) == (False, True)
    assert pareto([], ACCURACY) == ()


def test_results_carry_both():
    plain = results().model_copy(update={"rows": (SLOW, FAST, quantized(correct=9_800))})
    complete = with_recommendations(plain)
    assert [marked.pareto for marked in complete.rows] == [False, True, True]
    assert complete.answers == recommendations(complete.rows)
    assert with_recommendations(complete) == complete


def test_pareto_of_a_metric_of_which_less_is_better():
    low = errors(0.10, single=100.0, size=1_000)
    assert pareto([low, errors(0.11, single=100.0, size=1_000)], SQUARED) == (True, False)
    assert pareto([low, errors(0.09, single=100.0, size=1_000)], SQUARED) == (False, True)
    assert pareto([low, errors(0.11, single=99.0, size=1_000)], SQUARED) == (True, True)
    assert pareto([low, errors(None, single=1.0, size=1)], SQUARED) == (True, False)


def test_what_is_not_judged_is_never_shipped():
    unknown = quantized(single=10.0, model=10.0)
    against = unknown.against_float.model_copy(update={"verdict": "not judged"})
    unknown = unknown.model_copy(update={"against_float": against, "score": None})
    assert shipped(unknown) == [None, None]
    assert smallest(unknown) == [None, None]
