"""The order in which nodes of two operands read them and write."""

from __future__ import annotations

import numpy as np

from quantbench.c99.ir.graph import Graph, ImageOrder, Laid, Node, Orders


def as_images_lie(node: Node, graph: Graph, nhwc: ImageOrder) -> Laid:
    """Read every operand, and write, as images lie; vectors are in order."""
    shapes = [graph.tensors[name].shape for name in node.reads]
    return Laid(node, tuple(map(nhwc, shapes)), nhwc(graph.tensors[node.output].shape))


def in_a_shared_order(node: Node, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
    """Keep the order of two operands where they share one, else read both as images lie."""
    first, second = orders
    if first is not second and not np.array_equal(first, second):
        first = second = nhwc(graph.tensors[node.output].shape)
    return Laid(node, (first, second), first)
