"""Several samples at once: fully connected layers load each weight once for all of them."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.ir.graph import Graph, Tensor, Window
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.reshape import Reshape


def together(graph: Graph, count: int) -> Graph | None:
    """The graph of integers that computes `count` samples of `graph`, which lie one behind another.

    A vector [K] of each sample becomes an image [K, 1, count], and a fully connected layer a
    pointwise convolution of it. Returns None for a graph with any other layer, and for float32,
    whose sums depend on the order of their terms.
    """
    first = graph.tensors[graph.input]
    in_order = len(first.shape) == 1 or first.shape[0] in (1, first.size)
    dense = any(isinstance(node, Dense) for node in graph.nodes)
    if graph.several or graph.is_float32 or not in_order or not dense:
        return None
    tensors = {graph.input: _row(first, count)}
    names = {graph.input: graph.input}
    nodes = []
    for node in graph.nodes:
        if isinstance(node, Reshape):
            names[node.output] = names[node.input]
        elif isinstance(node, Dense):
            names[node.output] = node.output
            tensors[node.output] = _row(graph.tensors[node.output], count)
            nodes.append(_pointwise(node, names[node.input]))
        else:
            return None
    return replace(
        graph, tensors=tensors, nodes=tuple(nodes), output=names[graph.output], origins={}
    )


def _row(tensor: Tensor, count: int) -> Tensor:
    return replace(tensor, shape=(tensor.size, 1, count))


def _pointwise(node: Dense, source: str) -> Conv:
    return Conv(
        name=node.name,
        input=source,
        output=node.output,
        weights=node.weights[:, :, None, None],
        bias=node.bias,
        window=Window((1, 1)),
        groups=1,
        padding=0,
        low=node.low,
        high=node.high,
        pooling=None,
        requantize=node.requantize,
    )
