"""The same network with every 8-bit tensor unsigned, so that kernels know one type.

q of int8 with zero point Z and q + 128 of uint8 with Z + 128 are the same real number. What a
layer starts from takes the difference up: sum (q + 128) w' - 128 sum w' = sum q w'.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantbench.c99.ir.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Graph,
    Node,
    Pad,
    Pool,
    Requantize,
    Rescale,
    Reshape,
    Tensor,
)
from quantbench.numerics.fixed_point import accumulator_bounds, require_word

OFFSET = 128


def unsigned(graph: Graph) -> Graph:
    """Raises CompileError for a layer whose sums leave 32 bits by it."""
    tensors = {name: _tensor(tensor) for name, tensor in graph.tensors.items()}
    nodes = tuple(_node(node, graph) for node in graph.nodes)
    return replace(graph, tensors=tensors, nodes=nodes)


def offset(tensor: Tensor) -> int:
    """What is added to its values."""
    return OFFSET if tensor.type == "int8" else 0


def _tensor(tensor: Tensor) -> Tensor:
    if tensor.type != "int8":
        return tensor
    return replace(tensor, type="uint8", zero_point=tensor.zero_point + OFFSET)


def _node(node: Node, graph: Graph) -> Node:
    out = offset(graph.tensors[node.output])
    match node:
        case Conv() | Dense():
            return _layer(node, offset(graph.tensors[node.input]), out)
        case Pool():
            return replace(node, requantize=_requantize(node.requantize, out))
        case Rescale():
            return replace(node, requantize=_moved(node.requantize, out))
        case Add():
            first, second = (
                zero + offset(graph.tensors[name])
                for zero, name in zip(node.zero_points, node.inputs, strict=True)
            )
            return replace(
                node,
                zero_points=(first, second),
                zero_point=node.zero_point + out,
                low=node.low + out,
                high=node.high + out,
            )
        case Pad():
            return replace(node, value=node.value + out)
        case Concat() | Reshape():
            return node


def _layer(node: Conv | Dense, into: int, out: int) -> Conv | Dense:
    requantize = _requantize(node.requantize, out)
    if not into:
        return replace(node, requantize=requantize)
    weights = node.weights.astype(np.int64)
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    start = node.start.astype(np.int64) - into * sums
    _, _, most = accumulator_bounds(start, weights, 0, 255)
    places = 1
    if isinstance(node, Conv) and node.pooling and node.pooling.kind == "average":
        places = node.pooling.window.kernel[0] * node.pooling.window.kernel[1]
    require_word(int(most.max()) * places, node.name)
    begin = start.astype(np.int32)
    if isinstance(node, Dense):
        return replace(node, start=begin, requantize=requantize)
    return replace(node, start=begin, requantize=requantize, padding=node.padding + into)


def _requantize(requantize: Requantize | None, out: int) -> Requantize | None:
    return None if requantize is None else _moved(requantize, out)


def _moved(requantize: Requantize, out: int) -> Requantize:
    return replace(
        requantize,
        zero_point=requantize.zero_point + out,
        low=requantize.low + out,
        high=requantize.high + out,
    )
