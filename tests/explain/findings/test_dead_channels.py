from __future__ import annotations

from tests.explain.builder import error, explained, found, layer_error, quantized
from tests.report.builder import results

RULE = "dead_channels"
STUDY = results(quantized())


def test_fires_for_channels_that_never_vary() -> None:
    dead = error(layer_error("conv1", constant_channels=2), layer_error("conv2"))
    (finding,) = found(RULE, STUDY, explained(errors=(dead,)))
    assert (finding.weight, finding.rows) == ("note", ("static on openvino",))
    assert (finding.evidence[0].value, finding.evidence[0].unit) == (2, "channels")
    assert finding.evidence[0].what == "constant channels of conv1, of 16"
    many = error(layer_error(constant_channels=8))
    assert found(RULE, STUDY, explained(errors=(many,)))[0].weight == "cost"


def test_is_told_once_for_artifacts_that_have_the_same() -> None:
    dead = error(layer_error(constant_channels=2))
    assert len(found(RULE, STUDY, explained(errors=(dead, dead)))) == 1


def test_does_not_fire_where_all_vary() -> None:
    assert found(RULE, STUDY, explained(errors=(error(layer_error()),))) == []
