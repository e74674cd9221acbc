"""Number formats of the tensors that a node of an ONNX graph reads and writes."""

from __future__ import annotations

import numpy as np
import onnx

from quantbench.export.onnx_graph import Graph, attribute
from quantbench.export.onnx_names import INTEGER, Stored
from quantbench.numerics.formats import FLOAT32, Granularity, NumberFormat, bits_of_range

_TYPES = {
    "int4": (4, True), "uint4": (4, False), "int8": (8, True), "uint8": (8, False),
    "int16": (16, True), "uint16": (16, False),
}  # fmt: skip
"""Type of stored integers -> bits, signed."""
_MOVED = (
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity",
    "Gather", "Slice", "Split", "MaxPool",
)  # fmt: skip
"""Operators that move integers unchanged: runtimes swap them with a DequantizeLinear before."""
_ACTIVATIONS = ("Relu", "Clip")


def reads_integers(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether a node multiplies integers, or what was dequantized from integers."""
    sources = [source_of(graph, name) for name in node.input[:2]]
    return node.op_type in INTEGER or all(
        source is not None and source.op_type == "DequantizeLinear" for source in sources
    )


def output_scale(graph: Graph, node: onnx.NodeProto) -> tuple[float | None, int | None]:
    """The scale and zero point of the output; None where there is none, or one for each channel."""
    after = _quantizer_after(graph, node)
    scale = None if after is None else graph.constant(after.input[1])
    if after is None or scale is None or scale.size > 1:
        return None, None
    zero = graph.constant(after.input[2]) if len(after.input) > 2 else None
    return float(scale.item()), 0 if zero is None else int(zero.item())


def activations_format(graph: Graph, node: onnx.NodeProto, place: int = 0) -> NumberFormat:
    """The number format of the activations that a node reads at `place`."""
    before = source_of(graph, node.input[place])
    if before is None or before.op_type != "DequantizeLinear":
        return NumberFormat(bits=8, signed=False, symmetric=False, scaling="dynamic")
    scale = graph.constant(before.input[1])
    zero = graph.constant(before.input[2]) if len(before.input) > 2 else None
    bits, signed = (8, False) if zero is None else _TYPES[str(zero.dtype)]
    per_channel = scale is not None and scale.size > 1
    return NumberFormat(
        bits=bits,
        signed=signed,
        granularity="channel" if per_channel else "tensor",
        axis=attribute(before, "axis", 1) if per_channel else None,
        symmetric=zero is None or not zero.any(),
    )


def source_of(graph: Graph, name: str) -> onnx.NodeProto | None:
    """The node that computes a tensor, ignoring nodes that only move its numbers."""
    node = graph.producer(name)
    while node is not None and node.op_type in _MOVED:
        node = graph.producer(node.input[0])
    if node is not None and node.op_type == "Concat":
        joined = [source_of(graph, part) for part in node.input]
        if all(part is not None and part.op_type == "DequantizeLinear" for part in joined):
            return joined[0]
    return node


def _quantizer_after(graph: Graph, node: onnx.NodeProto) -> onnx.NodeProto | None:
    """The QuantizeLinear that alone reads a node's output, perhaps after an activation."""
    readers = graph.readers(node.output[0])
    if len(readers) == 1 and readers[0].op_type in _ACTIVATIONS:
        readers = graph.readers(readers[0].output[0])
    only = readers[0] if len(readers) == 1 else None
    return only if only is not None and only.op_type == "QuantizeLinear" else None


def weights_format(graph: Graph, stored: Stored) -> NumberFormat:
    """The number format of stored weights; float32 unless they are integers with a known scale."""
    values = graph.constant(stored.name)
    scale = graph.constant(stored.scale) if stored.scale else None
    if values is None or scale is None or str(values.dtype) not in _TYPES:
        return FLOAT32
    bits, signed = _TYPES[str(values.dtype)]
    whole = values.astype(np.int64)
    zero_point = graph.constant(stored.zero_point) if stored.zero_point else None
    granularity: Granularity = (
        "group" if stored.block else "channel" if scale.size > 1 else "tensor"
    )
    return NumberFormat(
        bits=bits,
        signed=signed,
        granularity=granularity,
        axis=None if granularity == "tensor" else stored.axis % values.ndim,
        group=stored.block or None,
        symmetric=zero_point is None or not zero_point.any(),
        used_bits=bits_of_range(int(whole.min()), int(whole.max()), signed=signed),
    )
