from __future__ import annotations

import pytest

from quantbench.results.records import Row
from tests.explain.builder import found, quantized
from tests.report.builder import latency, results

RULE = "single_threaded"


def with_two(microseconds: float) -> Row:
    row = quantized(model=40.0)
    return row.model_copy(
        update={"latency": (*row.latency, latency("model", 1000, microseconds, threads=2))}
    )


def test_fires_where_two_threads_are_no_faster_than_one() -> None:
    (finding,) = found(RULE, results().model_copy(update={"rows": (with_two(39.0),)}))
    assert (finding.weight, finding.rows) == ("note", ("static on openvino",))
    assert finding.evidence[0].value == pytest.approx(40 / 39)


def test_fires_where_threads_asked_for_stay_idle() -> None:
    (finding,) = found(RULE, results(quantized(threads=4, busy_threads=1.0)))
    assert (finding.evidence[0].value, finding.evidence[0].unit) == (1.0, "threads")


def test_does_not_fire_where_threads_are_used_or_only_one_was_given() -> None:
    assert found(RULE, results().model_copy(update={"rows": (with_two(22.0),)})) == []
    assert found(RULE, results(quantized(threads=2, busy_threads=1.9))) == []
    assert found(RULE, results()) == []
