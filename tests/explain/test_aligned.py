"""A file of a method that traces the network itself, layer by layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from quantbench.explain.mixtures import mixtures_of
from quantbench.export.ort_quantizer import float_onnx
from quantbench.tasks.task import Task
from tests.explain.conftest import artifact_of
from tests.explain.test_mixtures import answers, traced


def test_layers_of_pt2e_are_put_together_again(residual: Task, tmp_path: Path) -> None:
    artifact = artifact_of(residual, "pt2e_static", "onnx", tmp_path)
    written = onnx.load(artifact.folder / "model.onnx")
    float_onnx(residual.network, tmp_path / "float.onnx")
    float_model = onnx.load(tmp_path / "float.onnx")
    inputs = residual.test.inputs()[0]
    theirs = answers(written, inputs)
    for quantized in (written, traced(written)):
        mixed = mixtures_of(residual.network, float_model, quantized)
        integer = [layer.name for layer in artifact.body.quantized.layers if layer.integer]
        assert [layer.name for layer in mixed.layers] == integer
        np.testing.assert_allclose(answers(mixed.without(()), inputs), theirs, atol=1e-5)
        float_answers = answers(mixed.float_model, inputs)
        np.testing.assert_allclose(
            answers(mixed.without(integer), inputs), float_answers, atol=1e-5
        )
        for layer in integer:
            assert not np.array_equal(answers(mixed.alone([layer]), inputs), float_answers)
