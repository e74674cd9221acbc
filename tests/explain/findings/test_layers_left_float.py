from __future__ import annotations

import pytest

from tests.explain.builder import explained, found, layer, quantized, ran, split
from tests.formats import INT8_CHANNEL, UINT8_DYNAMIC, numerics
from tests.report.builder import MACS, results

RULE = "layers_left_float"


def test_fires_by_multiply_adds_where_only_results_are_there() -> None:
    (finding,) = found(RULE, results(quantized(float_macs=MACS // 2)))
    assert (finding.weight, finding.rows) == ("cost", ("static on openvino",))
    assert finding.evidence[0].value == pytest.approx(50)
    assert "leaves layers in float32, 50% of the multiply-adds" in finding.sentence


def test_names_the_layers_their_time_and_why() -> None:
    """A layer of few multiply-adds may take most of the time."""
    last = layer("fc", integer=False, reason="no kernel for it", macs=MACS // 100)
    evidence = explained(ran=(ran(layer(), last),), times=(split(integer=10.0, float=30.0),))
    (finding,) = found(RULE, results(quantized(float_macs=MACS // 100)), evidence)
    assert finding.weight == "cost"
    assert "1 of 2 layers in float32, <1% of the multiply-adds, 75% of the time: fc (no kernel" in (
        finding.sentence
    )
    assert [(x.value, x.unit) for x in finding.evidence][1:] == [(75.0, "%"), (1, "layers")]


def test_rows_of_one_artifact_are_told_together() -> None:
    rows = [quantized(runtime=name, float_macs=MACS // 2, artifact="a") for name in ("x", "y")]
    (finding,) = found(RULE, results(*rows))
    assert finding.rows == ("static on x", "static on y")


def test_a_small_layer_is_but_a_note_and_dynamic_quantization_has_its_own_remedy() -> None:
    small = quantized(float_macs=MACS // 100, numerics=numerics(INT8_CHANNEL, UINT8_DYNAMIC))
    (finding,) = found(RULE, results(small))
    assert finding.weight == "note"
    assert "ort_static" in finding.remedy


def test_does_not_fire_where_all_layers_are_integer_nor_for_float32() -> None:
    assert found(RULE, results(quantized())) == []
    assert found(RULE, results(quantized()), explained(ran=(ran(layer()),))) == []
