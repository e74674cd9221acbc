"""The points of an ONNX graph where layers end, and the graph cut open at all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from quantbench.explain.error.onnx_pairs import ROUNDING, Ends, Pair, is_follower
from quantbench.explain.error.output_format import OutputFormat, limits
from quantbench.export.onnx_graph import Graph, attribute, input_of

_MOVES = (
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Gather", "Slice",
    "Split", "MaxPool", "Concat", "Pad", "Expand", "DepthToSpace", "SpaceToDepth", "Resize",
    "Shape", "Size", "Cast", "Dropout", "Tile", "ConstantOfShape", "Range", "Where", "Equal",
    *ROUNDING,
)  # fmt: skip
"""Operators that compute no new numbers: where their output isn't rounded, nothing is lost."""
INPUT = "Input"
_GIVEN = " (given)"


@dataclass(frozen=True, eq=False)
class Point:
    """The end of one layer: a tensor of the quantized graph, as it is rounded there."""

    pair: Pair
    head: onnx.NodeProto | None
    """The float node that the layer begins with; None for an input of the network."""
    format: OutputFormat | None
    """None where the tensor stays float, or its format isn't known before it runs."""
    rounded: tuple[str, ...]
    """The outputs of the QuantizeLinear nodes that round it, all alike; () where none does."""

    @property
    def watched(self) -> str:
        """The tensor of the quantized graph that tells the layer's output."""
        return self.rounded[0] if self.rounded else self.pair.name

    @property
    def moves(self) -> bool:
        """Whether the layer only moves numbers, so that it is a point but no layer to report."""
        return self.head is not None and self.head.op_type in _MOVES


def points_of(quantized: Ends, float32: Ends, pairs: Sequence[Pair]) -> tuple[Point, ...]:
    """The points where the layers of a quantized graph end, in its order.

    A layer ends where its output is rounded, or at the last of the activations that follow it.
    """
    ends: dict[Pair, tuple[str, ...]] = {}
    for pair in pairs:
        rounded = _rounded(quantized, pair.name)
        if rounded or _ends_layer(quantized, pair.name):
            ends[pair] = rounded
    stops = {pair.float_name for pair in ends}
    return tuple(
        Point(
            pair,
            _head(float32, pair.float_name, stops),
            _format(quantized.graph, rounded[0]) if rounded else None,
            rounded,
        )
        for pair, rounded in ends.items()
    )


def watching(model: onnx.ModelProto, names: Sequence[str]) -> onnx.ModelProto:
    """The model with some of its tensors as its outputs, in their order."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    graph = watched.graph
    known = {value.name: value for value in (*graph.output, *graph.input)}
    outputs = [known.get(name) or onnx.ValueInfoProto(name=name) for name in names]
    del graph.output[:]
    graph.output.extend(outputs)
    return watched


def cut(model: onnx.ModelProto, points: Sequence[Point]) -> onnx.ModelProto:
    """The model in which each layer reads `given_to(point)`, new inputs, in place of the points.

    What is given takes the place of dequantized numbers, so a layer's own weights and rounding
    are all that it adds. Integers that are moved before they are dequantized are rounded from it.
    """
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    graph = Graph(model.graph)
    renamed: dict[str, str] = {}
    for point in points:
        renamed |= _replaced(graph, point)
    rounding = {name for point in points for name in point.rounded}
    for node in opened.graph.node:
        if node.output[0] not in rounding:
            node.input[:] = [renamed.get(name, name) for name in node.input]
    again = [node for point in points for node in _again(graph, point, renamed)]
    nodes = [*again, *opened.graph.node]
    del opened.graph.node[:]
    opened.graph.node.extend(nodes)
    opened.graph.input.extend(
        helper.make_tensor_value_info(given_to(point), TensorProto.FLOAT, None) for point in points
    )
    return opened


def given_to(point: Point) -> str:
    """The name of the input that stands for a point in the graph that was cut."""
    return f"{point.pair.name}{_GIVEN}"


def _replaced(graph: Graph, point: Point) -> Mapping[str, str]:
    """Tensor -> what its readers get instead."""
    renamed = {point.pair.name: given_to(point)}
    for name in point.rounded:
        for reader in graph.readers(name):
            if reader.op_type == "DequantizeLinear":
                renamed[reader.output[0]] = given_to(point)
            else:
                renamed[name] = f"{name}{_GIVEN}"
    return renamed


def _again(graph: Graph, point: Point, renamed: Mapping[str, str]) -> Sequence[onnx.NodeProto]:
    """The QuantizeLinear nodes that round what is given, for those who read integers."""
    again = []
    for name in point.rounded:
        node = graph.producer(name)
        if node is not None and name in renamed:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = copy.output[0] = renamed[name]
            copy.input[0] = given_to(point)
            again.append(copy)
    return again


def _rounded(ends: Ends, name: str) -> tuple[str, ...]:
    """The outputs of the QuantizeLinear nodes that alone read a tensor, if they round it alike."""
    readers = ends.graph.readers(name)
    if name in ends.outputs or not readers:
        return ()
    if any(node.op_type != "QuantizeLinear" for node in readers):
        return ()
    formats = [_format(ends.graph, node.output[0]) for node in readers]
    first = formats[0]
    for other in formats:
        if first is None or other is None or first.levels != other.levels:
            return ()
        if not np.array_equal(first.low, other.low) or not np.array_equal(first.high, other.high):
            return ()
    return tuple(node.output[0] for node in readers)


def _format(graph: Graph, rounded: str) -> OutputFormat | None:
    node = graph.producer(rounded)
    assert node is not None
    scale = graph.constant(node.input[1])
    name = input_of(node, 2)
    zero = None if name is None else graph.constant(name)
    if scale is None or (name is not None and zero is None):
        return None
    least, greatest = limits(np.uint8 if zero is None else zero.dtype)
    return OutputFormat(
        scale=np.asarray(scale, np.float64).ravel(),
        zero=np.zeros(1) if zero is None else np.asarray(zero, np.float64).ravel(),
        least=least,
        greatest=greatest,
        axis=attribute(node, "axis", 1),
    )


def _ends_layer(ends: Ends, name: str) -> bool:
    """Whether a tensor that isn't rounded is a layer's last: no activation alone reads it."""
    node = ends.graph.producer(name)
    if node is None or node.op_type in _MOVES:
        return False
    readers = ends.graph.readers(name)
    return name in ends.outputs or not (len(readers) == 1 and is_follower(ends, readers[0]))


def _head(ends: Ends, name: str, stops: set[str]) -> onnx.NodeProto | None:
    """The node that a layer begins with: activations and biases belong to the one before them."""
    node = ends.graph.producer(name)
    while node is not None and is_follower(ends, node):
        before = ends.active(node)[0]
        producer = ends.graph.producer(before)
        if before in stops or producer is None or len(ends.graph.readers(before)) > 1:
            break
        node = producer
    return node
