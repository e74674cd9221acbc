"""The row that is chosen within limits: by intervals, ties by the rule of the verdicts."""

from __future__ import annotations

from typing import Any

import pytest

from quantbench.errors import ResultsError, UsageError
from quantbench.results.limits import limits
from quantbench.results.records import Results, Row
from quantbench.results.within import Selection, select_within
from tests.report.builder import ACCURACY, MACS, results, row

FLOAT = row()
FAST = row(runtime="onnxruntime", size=249_000, single=40.0, model=25.0, end_to_end=45.0)


def quantized(method: str, **changes: Any) -> Row:
    fields = {"size": 75_000, "float_macs": 0, "baseline": FLOAT, "single": 20.0, "model": 10.0}
    return row(method, "openvino", **(fields | changes))


def study(*rows: Row) -> Results:
    return results(FLOAT, FAST, *rows)


def select(found: Results, **given: Any) -> Selection:
    return select_within(found, limits(found.metric, **given))


def chosen(selection: Selection) -> str | None:
    return selection.chosen and selection.chosen.row.name


def test_without_limits_it_is_the_row_that_the_study_recommends() -> None:
    found = study(quantized("static"), quantized("qat", size=76_000, single=20.2))
    answer = found.answers[0].ship
    assert answer is not None
    selection = select(found)
    assert (chosen(selection), selection.ties) == (answer.row, answer.ties)
    assert selection.runner_up is not None
    assert selection.runner_up.row.name == "qat on openvino"


def test_float32_is_kept_where_no_row_is_shown_faster() -> None:
    selection = select(study(quantized("slow", single=60.0)))
    assert (chosen(selection), selection.keeps_float) == ("float32 on onnxruntime", True)
    smaller = select(study(quantized("slow", single=60.0)), minimize="size")
    assert (chosen(smaller), smaller.keeps_float) == ("slow on openvino", False)


def test_a_limit_is_kept_only_where_the_whole_interval_keeps_it() -> None:
    """15 samples lost and 10 gained of 10,000: 0.05 points, 95 % interval -0.05 to 0.15."""
    found = study(quantized("static", correct=9_895, lost=15, gained=10))
    static = "static on openvino"
    assert chosen(select(found, max_drop="0.2")) == static
    between = select(found, max_drop="0.1")
    assert chosen(between) == "float32 on onnxruntime"
    assert [rated.row.name for rated in between.may_pass] == [static]
    worse = study(quantized("static", correct=9_800, lost=120, gained=20))
    excluded = select(worse, max_drop="0.2")
    assert [rated.row.name for rated in excluded.excluded_by("drop")] == [static]
    assert excluded.may_pass == ()
    assert chosen(select(worse, max_drop="2")) == static
    reasons = {rated.row.name: rated.reason for rated in select(worse).rows}
    assert reasons[static] == "worse than float32"


def test_a_relative_drop_is_of_float32s_score() -> None:
    """98 % is 1.01 % below 99 %; its interval ends at 1.26 points, which is 1.27 %."""
    found = study(quantized("static", correct=9_800, lost=120, gained=20))
    static = "static on openvino"
    assert chosen(select(found, max_drop="1.5%")) == static
    assert [x.row.name for x in select(found, max_drop="1.1%").may_pass] == [static]
    assert [x.row.name for x in select(found, max_drop="0.5%").excluded_by("drop")] == [static]


def test_the_time_counts_with_its_interval_and_at_the_batch_that_was_asked_for() -> None:
    """An interval of few starts is 3 % wider on both sides, so 20 us isn't shown to be below 20."""
    found = study(quantized("static"))
    assert chosen(select(found, max_latency="22us")) == "static on openvino"
    assert [x.row.name for x in select(found, max_latency="20us").may_pass] == [
        "static on openvino"
    ]
    none = select(found, max_latency="15us")
    assert (chosen(none), none.runner_up) == (None, None)
    assert len(none.excluded_by("latency")) == 3
    assert chosen(select(found, max_latency="15us", batch=1000)) == "static on openvino"
    with pytest.raises(UsageError, match="--batch 8: the study timed the batches 1, 1000"):
        select(found, batch=8)


def test_size_excludes_what_is_larger_and_is_minimized() -> None:
    found = study(quantized("static"), quantized("small", size=70_000, single=90.0))
    selection = select(found, max_size="80kB")
    assert chosen(selection) == "static on openvino"
    assert len(selection.excluded_by("size")) == 2
    assert chosen(select(found, minimize="size")) == "small on openvino"
    twins = study(quantized("static"), quantized("quick", single=10.0))
    assert chosen(select(twins, minimize="size")) == "quick on openvino"
    assert select(twins, minimize="size").ties == ("static on openvino",)


def test_a_drop_that_is_as_small_is_a_tie_of_which_the_smallest_file_is_chosen() -> None:
    close = quantized("close", correct=9_900, lost=1, gained=1)
    lossy = quantized("lossy", size=10, correct=9_850, lost=60, gained=10)
    selection = select(study(close, lossy), minimize="drop", max_drop="5")
    assert chosen(selection) == "close on openvino"
    assert set(selection.ties) == {"float32 on torch", "float32 on onnxruntime"}
    assert chosen(select(study(lossy), minimize="drop", max_drop="5")) == "float32 on onnxruntime"


def test_what_never_ran_on_integers_is_not_chosen() -> None:
    simulated = quantized("fake", kind="simulated", single=1.0)
    all_float = quantized("none", kind="float", single=1.0, float_macs=MACS)
    selection = select(study(simulated, all_float))
    assert chosen(selection) == "float32 on onnxruntime"
    assert [bool(rated.reason) for rated in selection.rows] == [False, False, True, True]


def test_times_that_do_not_belong_together_are_refused() -> None:
    static = quantized("static")
    short = static.latency[0].model_copy(update={"blocks": ((1.0,),), "starts": (0,)})
    broken = static.model_copy(update={"latency": (short,)})
    with pytest.raises(ResultsError, match="can't be compared"):
        select(study(static).model_copy(update={"rows": (FLOAT, FAST, broken)}))


def test_the_metric_may_be_one_whose_least_is_best() -> None:
    falling = ACCURACY.model_copy(update={"higher_is_better": False})
    found = study(quantized("static", correct=9_800, lost=120, gained=20))
    better = found.model_copy(update={"metric": falling})
    assert chosen(select(better, max_drop="0")) == "static on openvino"
