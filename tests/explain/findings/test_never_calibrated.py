from __future__ import annotations

from tests.explain.builder import explained, found, layer, quantized, ran
from tests.formats import INT8_CHANNEL, UINT8, UINT8_UNIT, numerics
from tests.report.builder import results

RULE = "never_calibrated"


def test_fires_where_activations_are_at_scale_1() -> None:
    row = quantized(numerics=numerics(INT8_CHANNEL, UINT8_UNIT), correct=9_800, lost=120, gained=20)
    (finding,) = found(RULE, results(row))
    assert (finding.weight, finding.rows) == ("fault", ("static on openvino",))
    assert [evidence.value for evidence in finding.evidence] == [1, -1.0]
    assert finding.evidence[1].unit == "points"


def test_fires_for_one_layer_whose_output_no_observer_saw() -> None:
    study = results(quantized(numerics=numerics(INT8_CHANNEL, UINT8)))
    forgotten = layer("conv2", scale=1.0, zero_point=0)
    (finding,) = found(RULE, study, explained(ran=(ran(layer(), forgotten),)))
    assert finding.sentence.startswith("conv2 of static on openvino has an output at scale 1")


def test_does_not_fire_where_ranges_were_observed() -> None:
    study = results(quantized(numerics=numerics(INT8_CHANNEL, UINT8)))
    assert found(RULE, study, explained(ran=(ran(layer(), layer("conv2")),))) == []
    assert found(RULE, study) == []
