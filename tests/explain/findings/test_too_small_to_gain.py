from __future__ import annotations

from tests.explain.builder import explained, found, quantized, split
from tests.report.builder import results

RULE = "too_small_to_gain"
STUDY = results(quantized())


def test_fires_where_the_call_costs_more_than_the_rest() -> None:
    times = (split(integer=2.0, other=1.0, call=9.0), split("static on c99", integer=9.0, call=1.0))
    (finding,) = found(RULE, STUDY, explained(times=times))
    assert (finding.weight, finding.rows) == ("cost", ("static on openvino",))
    assert (finding.evidence[0].value, finding.evidence[0].unit) == (75.0, "%")
    assert "75% of the 12 us of static on openvino at batch 1" in finding.sentence


def test_does_not_fire_where_arithmetic_is_most() -> None:
    times = (split(integer=90.0, call=10.0),)
    assert found(RULE, STUDY, explained(times=times)) == []
    in_batches = (*times, split(integer=1.0, call=99.0, batch=1000))
    assert found(RULE, STUDY, explained(times=in_batches)) == []
    assert found(RULE, STUDY) == []
