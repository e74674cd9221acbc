from __future__ import annotations

from tests.explain.builder import error, explained, found, layer_error, quantized
from tests.formats import INT8_CHANNEL, UINT8_UNIT, numerics
from tests.report.builder import results

RULE = "dead_channels"
STUDY = results(quantized())


def test_fires_for_channels_that_never_vary_in_float32_once_for_all_artifacts() -> None:
    dead = error(layer_error("conv1", constant_channels=2, constant_in_float=2), layer_error())
    (finding,) = found(RULE, STUDY, explained(errors=(dead, dead)))
    assert (finding.weight, finding.rows) == ("note", ())
    assert (finding.evidence[0].value, finding.evidence[0].unit) == (2, "channels")
    assert finding.evidence[0].what == "constant channels of conv1, of 16"
    many = error(layer_error(constant_channels=8, constant_in_float=8))
    assert found(RULE, STUDY, explained(errors=(many,)))[0].weight == "cost"


def test_fires_for_channels_that_quantization_kills() -> None:
    killed = error(layer_error("conv1", constant_channels=3, constant_in_float=1))
    in_float, quantizing = found(RULE, STUDY, explained(errors=(killed,)))
    assert in_float.evidence[0].value == 1
    assert (quantizing.rows, quantizing.evidence[0].value) == (("static on openvino",), 2)


def test_does_not_fire_where_all_vary_nor_where_the_calibration_is_missing() -> None:
    assert found(RULE, STUDY, explained(errors=(error(layer_error()),))) == []
    uncalibrated = results(quantized(numerics=numerics(INT8_CHANNEL, UINT8_UNIT)))
    killed = explained(errors=(error(layer_error(constant_channels=3)),))
    assert found(RULE, uncalibrated, killed) == []
