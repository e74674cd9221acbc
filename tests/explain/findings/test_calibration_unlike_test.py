from __future__ import annotations

from tests.explain.builder import error, explained, found, layer_error, quantized
from tests.formats import INT8_CHANNEL, UINT8_UNIT, numerics
from tests.report.builder import results

RULE = "calibration_unlike_test"
STUDY = results(quantized())


def test_fires_where_test_samples_are_clipped() -> None:
    clipped = error(layer_error("conv1", clipped=0.02), layer_error("conv2", clipped=0.3))
    (finding,) = found(RULE, STUDY, explained(errors=(clipped,)))
    assert (finding.weight, finding.rows) == ("fault", ("static on openvino",))
    assert finding.sentence.startswith(
        "static state_dict clips 30.0% of the values of conv2 on test samples, and values of conv1"
    )
    assert [evidence.value for evidence in finding.evidence] == [30.0, 2.0]


def test_does_not_fire_at_what_a_percentile_cuts_nor_without_calibration() -> None:
    uncalibrated = results(quantized(numerics=numerics(INT8_CHANNEL, UINT8_UNIT)))
    assert found(RULE, uncalibrated, explained(errors=(error(layer_error(clipped=0.5)),))) == []
    assert found(RULE, STUDY, explained(errors=(error(layer_error(clipped=0.001)),))) == []
