from __future__ import annotations

from tests.explain.builder import explained, found, quantized, split
from tests.report.builder import results

RULE = "conversion_dominates"
STUDY = results(quantized())


def test_fires_where_converting_takes_longer_than_multiplying() -> None:
    times = (split(integer=3.0, conversion=5.0, float=2.0),)
    (finding,) = found(RULE, STUDY, explained(times=times))
    assert (finding.weight, finding.rows) == ("cost", ("static on openvino",))
    assert finding.evidence[0].value == 50.0


def test_does_not_fire_where_it_is_less_or_hardly_anything() -> None:
    less = split(integer=6.0, conversion=4.0)
    hardly = split("static on torch", integer=0.5, conversion=1.0, float=98.5)
    assert found(RULE, STUDY, explained(times=(less, hardly))) == []
