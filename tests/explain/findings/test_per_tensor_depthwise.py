from __future__ import annotations

from tests.explain.builder import explained, found, layer, quantized, ran
from tests.formats import INT8_TENSOR
from tests.report.builder import results

RULE = "per_tensor_depthwise"
STUDY = results(quantized())
COARSE = layer("depthwise", weights=(INT8_TENSOR,))


def test_fires_for_depthwise_layers_of_one_scale() -> None:
    (finding,) = found(RULE, STUDY, explained(ran=(ran(COARSE, depthwise=True),)))
    assert (finding.weight, finding.rows) == ("fault", ("static on openvino",))
    assert (finding.evidence[0].value, finding.evidence[0].unit) == (1, "layers")


def test_does_not_fire_for_scales_by_channel_nor_for_other_layers() -> None:
    assert found(RULE, STUDY, explained(ran=(ran(layer(), depthwise=True),))) == []
    assert found(RULE, STUDY, explained(ran=(ran(COARSE),))) == []
    assert found(RULE, STUDY) == []
