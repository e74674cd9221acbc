from __future__ import annotations

import json

from quantbench.results.frame import flat_rows
from quantbench.results.records import MetricFigure
from tests.report.builder import SQUARED, errors, results, row


def test_a_row_is_flat_and_says_what_the_record_says() -> None:
    study = results()
    flat = flat_rows(study)
    assert len(flat) == len(study.rows)
    assert all(list(each) == list(flat[0]) for each in flat)
    assert json.loads(json.dumps(flat)) == flat
    static, record = flat[3], study.rows[3]
    assert (static["method"], static["runtime"], static["bytes"]) == ("static", "torch", 75_000)
    assert (static["score"], static["score_low"], static["score_high"]) == (
        record.score.value, record.score.low, record.score.high
    )  # fmt: skip
    against = record.against_float
    assert static["difference"] == against.difference.value
    assert (static["verdict"], static["p"]) == (against.verdict, against.p)
    times = [static[name] for name in ("microseconds", "batch", "microseconds_in_batches")]
    assert times == [100, 1000, 40]
    assert static["speed"] == record.against_fastest[0].value
    assert static["speed_in_batches_low"] == record.against_fastest[1].low
    assert (static["loss"], static["integer_share"], static["ship"]) == (0.0305, 1.0, False)


def test_what_is_shipped_is_marked() -> None:
    base = row()
    fast = row("static", single=20.0, model=10.0, float_macs=0, baseline=base)
    assert [each["ship"] for each in flat_rows(results(base, fast))] == [False, True]


def test_what_there_is_not_is_none() -> None:
    figure = {"own": MetricFigure(value=None, unit="", higher_is_better=True, reason="why")}
    study = results(
        row(),
        errors(None, "nan", latency=()).model_copy(update={"metrics": figure}),
        metric=SQUARED,
    )
    first, second = flat_rows(study)
    assert first["own"] is second["own"] is second["loss"] is None
    for name in (
        "score",
        "score_low",
        "difference",
        "verdict",
        "microseconds",
        "batch",
        "speed_low",
    ):
        assert second[name] is None
    assert first["difference"] is first["p"] is None
