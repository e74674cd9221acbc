"""Readable names, from what exporters and quantizers leave of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from quantbench.c99.frontend.layer_names import layer_names
from quantbench.c99.frontend.reader import read


def names(folder: Path, node: str, weight: str, bias: str, *, quantized: bool = False) -> list[str]:
    """Of one convolution whose parameters are called so."""
    tensors = [
        numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), weight),
        numpy_helper.from_array(np.zeros(1, np.float32), bias),
    ]
    source, nodes = weight, []
    if quantized:
        tensors[0] = numpy_helper.from_array(np.ones((1, 1, 1, 1), np.int8), weight)
        tensors.append(numpy_helper.from_array(np.float32(1), "scale"))
        nodes.append(helper.make_node("DequantizeLinear", [weight, "scale"], ["dq"], name="dq"))
        source = "dq"
    nodes.append(helper.make_node("Conv", ["x", source, bias], ["y"], name=node))
    value = [
        helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, ["n", 1, 2, 2]) for end in "xy"
    ]
    graph = helper.make_graph(nodes, "main_graph", value[:1], value[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "m.onnx")
    found = layer_names(read(folder / "m.onnx"))
    return [name for where, name in found.items() if "Conv" in where]


@pytest.mark.parametrize(
    ("node", "weight", "bias", "name"),
    [
        ("node_conv2d", "conv1.weight", "conv1.bias", "conv1"),
        ("node_conv2d_3", "layer1.0.conv1.weight_quantized", "b", "layer1.0.conv1"),
        ("c", "q_output_conv1.weight_1", "b", "conv1"),
        ("node_conv2d", "_frozen_param0", "conv2.bias", "conv2"),
        ("node_linear", "fc1.weight_Transposed_quantized", "b", "fc1"),
        ("/layer1/conv1/Conv", "onnx::Conv_12", "onnx::Conv_13", "layer1.conv1"),
        ("node_conv2d_1", "w", "b", "conv2d_1"),
        ("Conv_5", "w", "b", "Conv_5"),
        ("", "w", "b", "y"),
    ],
)
def test_a_name_is_found(tmp_path: Path, node: str, weight: str, bias: str, name: str) -> None:
    assert names(tmp_path, node, weight, bias) == [name]


def test_through_a_dequantization(tmp_path: Path) -> None:
    assert names(tmp_path, "node_conv2d", "conv1.weight_q", "b", quantized=True) == ["conv1"]
