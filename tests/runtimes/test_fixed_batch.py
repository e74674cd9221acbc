"""An ONNX file of a fixed batch answers batches of any size, on each runtime that takes it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact


def file_of_batch(batch: int | str, path: Path) -> None:
    """y = relu(x @ W) + b, and z = b: two inputs and two outputs of `batch` samples."""
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32) * 2, "W")
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "W"], ["m"]),
            helper.make_node("Relu", ["m"], ["r"]),
            helper.make_node("Add", ["r", "b"], ["y"]),
            helper.make_node("Neg", ["b"], ["z"]),
        ],
        "fixed",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, 3]) for n in "xb"],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [batch, 3]) for n in "yz"],
        [weights],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("batch", [4, "n"])
def test_any_number_of_samples_is_answered(tmp_path: Path, runtime: str, batch: int | str) -> None:
    file_of_batch(batch, tmp_path / "model.onnx")
    artifact = cast(Artifact, SimpleNamespace(folder=tmp_path))
    predict = plugins.runtime(runtime).load(artifact, 1)
    rng = np.random.default_rng(0)
    for samples in (1, 4, 10):
        x, b = rng.normal(size=(2, samples, 3)).astype(np.float32)
        y, z = predict(x, b)
        np.testing.assert_allclose(y, np.maximum(2 * x, 0) + b, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(z, -b)
