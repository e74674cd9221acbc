"""Float layers of an ONNX file that ONNX Runtime would round all the same, kept in float.

ONNX Runtime rounds the float weights of a Conv, ConvTranspose or Gemm to 8 bits, with one scale for
the whole tensor, where it reads what was dequantized and its output is quantized
(core/optimizer/qdq_transformer/weight_bias_quantization.cc; seen in 1.32, at every level of
optimization). It asks for an input that has a single scale, so a layer that is to stay float reads
the same integers by a scale for each channel, all of them alike.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from onnx import helper, numpy_helper

from quantbench.export.onnx_graph import Graph, attribute

_ROUNDED = ("Conv", "ConvTranspose", "Gemm")


def kept_float(model: onnx.ModelProto, names: Collection[str]) -> onnx.ModelProto:
    """The same network, whose nodes of these names ONNX Runtime leaves in float."""
    kept = onnx.ModelProto()
    kept.CopyFrom(model)
    graph = Graph(kept.graph)
    for node in graph.nodes:
        if node.name in names and node.op_type in _ROUNDED:
            _read_by_channel(kept, graph, node)
    return kept


def _read_by_channel(model: onnx.ModelProto, graph: Graph, node: onnx.NodeProto) -> None:
    """Have a node dequantize its input by itself, with a scale for each channel."""
    before = graph.producer(node.input[0])
    channels = _channels(graph, node)
    if before is None or before.op_type != "DequantizeLinear" or channels is None:
        return
    constants = [graph.constant(name) for name in before.input[1:]]
    if any(constant is None or constant.size != 1 for constant in constants):
        return
    stem = f"{node.name} (in float)"
    names = [f"{stem} {what}" for what in ("scale", "zero point")[: len(constants)]]
    for name, constant in zip(names, constants, strict=True):
        assert constant is not None
        values = np.full(channels, constant.reshape(-1)[0], constant.dtype)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    model.graph.node.append(
        helper.make_node("DequantizeLinear", [before.input[0], *names], [stem], stem, axis=1)
    )
    node.input[0] = stem


def _channels(graph: Graph, node: onnx.NodeProto) -> int | None:
    """The size of the input's axis 1, by the shape of the float weights; None where unknown."""
    weights = graph.constant(node.input[1])
    if weights is None:
        return None
    if node.op_type == "Conv":
        return int(weights.shape[1]) * attribute(node, "group", 1)
    if node.op_type == "ConvTranspose":
        return int(weights.shape[0])
    if attribute(node, "transA", 0):
        return None
    return int(weights.shape[1 if attribute(node, "transB", 0) else 0])
