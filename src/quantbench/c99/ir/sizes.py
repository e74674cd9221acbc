"""How much memory and work one image takes: bounded before any array of that size is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.reader import MOST_NUMBERS
from quantbench.c99.ir import float32 as reals
from quantbench.c99.ir.graph import (
    Conv,
    Dense,
    GraphOf,
    Pool,
)
from quantbench.c99.ir.interpreter import macs
from quantbench.errors import CompileError

MOST_MACS = 2**36
_MOST_AT_ENDS = 2**22
"""Of input and output together: golden vectors are written as text."""
_AT_ONCE = 2**24
"""Numbers that a step may hold of a batch: a larger one is gone through in parts."""


def require_sizes(graph: GraphOf[Any]) -> None:
    """Raises CompileError for a network that takes too much memory or work for one image."""
    tensors = graph.tensors
    ends = tensors[graph.input].size + tensors[graph.output].size
    if ends > _MOST_AT_ENDS:
        raise CompileError(
            f"its input and output have {ends:,} numbers; up to {_MOST_AT_ENDS:,} are supported"
        )
    for node in graph.nodes:
        held = _held(node, graph)
        if held > MOST_NUMBERS:
            raise CompileError(
                f"{node.name}: it holds {held:,} numbers of one image; up to {MOST_NUMBERS:,} are "
                "supported"
            )
    products = multiply_adds(graph)
    if products > MOST_MACS:
        raise CompileError(
            f"it takes {products:,} multiply-adds for one image; up to {MOST_MACS:,} are supported"
        )


def multiply_adds(graph: GraphOf[Any]) -> int:
    """Multiply-adds for one image."""
    return sum(
        macs(node, graph.tensors[node.output])
        for node in graph.nodes
        if isinstance(node, Conv | Dense | reals.Conv | reals.Dense)
    )


def largest(graph: GraphOf[Any]) -> int:
    """Numbers that the widest step holds of one image."""
    tensors = max(tensor.size for tensor in graph.tensors.values())
    return max([tensors, *(_held(node, graph) for node in graph.nodes)])


def in_parts(
    run: Callable[[NDArray[Any]], NDArray[Any]], inputs: NDArray[Any], graph: GraphOf[Any]
) -> NDArray[Any]:
    """`run` of [N, ...], so many images at once as memory allows, and its answers joined."""
    images = max(1, _AT_ONCE // largest(graph))
    parts = [run(inputs[at : at + images]) for at in range(0, len(inputs), images)]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _held(node: object, graph: GraphOf[Any]) -> int:
    """Numbers that a node holds of one image beside its input and output."""
    if isinstance(node, Conv | reals.Conv):
        output = graph.tensors[node.output]
        sums = macs(node, output) // max(1, math.prod(node.weights.shape[1:]))
        return _padded(graph.tensors[node.input].shape, node.window.pads) + sums
    if isinstance(node, Pool | reals.Pool):
        return _padded(graph.tensors[node.input].shape, node.window.pads)
    return 0


def _padded(shape: Sequence[int], pads: tuple[int, int, int, int]) -> int:
    (channels, height, width), (top, left, bottom, right) = shape, pads
    return channels * (height + top + bottom) * (width + left + right)
