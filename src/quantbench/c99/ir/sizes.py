"""Limits of memory and work for one sample, checked before any array of that size is allocated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Graph
from quantbench.errors import CompileError

Arrays = Sequence[NDArray[Any]]
MAX_NUMBERS = 2**26
"""The most numbers of one tensor, constant or computed."""
MAX_MACS = 2**36
_MAX_AT_ENDS = 2**22
"""The most numbers of input and output together: golden vectors hold some times as many."""
_AT_ONCE = 2**24
"""Numbers that a step may hold of a batch: a larger one is gone through in parts."""


def require_sizes(graph: Graph) -> None:
    """Raise CompileError for a network that takes too much memory or work for one sample."""
    tensors = graph.tensors
    ends = sum(tensors[name].size for name in (*graph.inputs, *graph.outputs))
    if ends > _MAX_AT_ENDS:
        raise CompileError(
            f"its input and output have {ends:,} numbers; up to {_MAX_AT_ENDS:,} are supported"
        )
    for node in graph.nodes:
        held = node.workspace(graph)
        if held > MAX_NUMBERS:
            raise CompileError(
                f"{node.name}: it holds {held:,} numbers of one image; up to {MAX_NUMBERS:,} are "
                "supported"
            )
    products = multiply_adds(graph)
    if products > MAX_MACS:
        raise CompileError(
            f"it takes {products:,} multiply-adds for one image; up to {MAX_MACS:,} are supported"
        )


def multiply_adds(graph: Graph) -> int:
    """The multiply-adds of one sample."""
    return sum(node.macs(graph.tensors[node.output]) for node in graph.nodes)


def largest(graph: Graph) -> int:
    """The numbers that the largest step holds for one sample."""
    tensors = max(tensor.size for tensor in graph.tensors.values())
    return max([tensors, *(node.workspace(graph) for node in graph.nodes)])


def in_parts(
    run: Callable[[NDArray[Any]], NDArray[Any]], inputs: NDArray[Any], graph: Graph
) -> NDArray[Any]:
    """Apply `run` to [N, ...] in batches that memory allows, and join the results."""
    (joined,) = all_in_parts(lambda parts: (run(parts[0]),), (inputs,), graph)
    return joined


def all_in_parts(
    run: Callable[[Arrays], Arrays], inputs: Arrays, graph: Graph
) -> tuple[NDArray[Any], ...]:
    """The same for several inputs and outputs: `run` takes and gives one array for each."""
    samples, count = max(1, _AT_ONCE // largest(graph)), len(inputs[0])
    parts = [
        run([values[at : at + samples] for values in inputs]) for at in range(0, count, samples)
    ]
    return tuple(
        np.concatenate(values) if len(parts) > 1 else values[0]
        for values in zip(*parts, strict=True)
    )
