"""Float layers between quantized tensors, as ONNX Runtime itself optimizes and runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from quantbench.export.kept_float import kept_float
from quantbench.samples.records import Array

CHANNELS, FILTERS = 4, 6
LAYERS = {
    "Conv": ((FILTERS, CHANNELS // 2, 3, 3), {"group": 2}, (5, 5), (3, 3)),
    "ConvTranspose": ((CHANNELS, FILTERS, 2, 2), {}, (5, 5), (6, 6)),
    "Gemm": ((CHANNELS, FILTERS), {}, (), ()),
    "transposed Gemm": ((FILTERS, CHANNELS), {"transB": 1}, (), ()),
}
"""Layer -> the shape of its weights, its attributes, and the sizes of its input and output."""


@pytest.mark.parametrize("layer", LAYERS)
def test_onnx_runtime_rounds_a_float_layer_but_for_one_that_is_kept(
    layer: str, tmp_path: Path
) -> None:
    model, inputs = between_integers(layer)
    as_written = run(model, inputs, optimized=None)
    rounded = run(model, inputs, optimized=tmp_path / "rounded.onnx")
    assert step_errors(rounded, as_written) > 5
    assert "float" not in kinds_of_weights(tmp_path / "rounded.onnx")

    kept = kept_float(model, {"layer"})
    assert np.array_equal(run(kept, inputs, optimized=None), as_written)
    found = run(kept, inputs, optimized=tmp_path / "kept.onnx")
    assert step_errors(found, as_written) <= 1  # another order of sums, at a tie
    assert "float" in kinds_of_weights(tmp_path / "kept.onnx")
    assert kept_float(model, {"another"}) == model


STEP = 0.05


def between_integers(layer: str) -> tuple[onnx.ModelProto, Array]:
    """input -> Q -> DQ -> layer -> Relu -> Q -> DQ, with one weight that is far from the rest."""
    rng = np.random.default_rng(0)
    shape, attributes, size, output_size = LAYERS[layer]
    weights = rng.normal(size=shape).astype(np.float32)
    weights.flat[0] = 500.0
    constants = {
        "weights": weights,
        "bias": rng.normal(size=FILTERS).astype(np.float32),
        "in scale": np.float32(0.02),
        "in zero": np.uint8(128),
        "out scale": np.float32(STEP),
        "out zero": np.uint8(0),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["input", "in scale", "in zero"], ["q"], "q"),
        helper.make_node("DequantizeLinear", ["q", "in scale", "in zero"], ["dq"], "dq"),
        helper.make_node(
            layer.split()[-1], ["dq", "weights", "bias"], ["sum"], "layer", **attributes
        ),
        helper.make_node("Relu", ["sum"], ["relu"], "relu"),
        helper.make_node("QuantizeLinear", ["relu", "out scale", "out zero"], ["r"], "r"),
        helper.make_node("DequantizeLinear", ["r", "out scale", "out zero"], ["output"], "d"),
    ]
    graph = helper.make_graph(
        nodes,
        "between",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", CHANNELS, *size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", FILTERS, *output_size])],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model, rng.normal(size=(50, CHANNELS, *size)).astype(np.float32)


def run(model: onnx.ModelProto, inputs: Array, optimized: Path | None) -> Array:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    if optimized is None:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    else:
        options.optimized_model_filepath = str(optimized)
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"input": inputs})[0]


def step_errors(found: Array, expected: Array) -> float:
    """The largest difference in steps of the output, of values that it doesn't clip."""
    inside = (expected > 0) & (expected < 255 * STEP)
    return float(np.abs(found - expected)[inside].max() / STEP)


def kinds_of_weights(path: Path) -> set[str]:
    """The types of constants of more than one dimension in a file."""
    tensors = onnx.load(path).graph.initializer
    arrays = [numpy_helper.to_array(tensor) for tensor in tensors if len(tensor.dims) > 1]
    return {"float" if array.dtype.kind == "f" else "integer" for array in arrays}
