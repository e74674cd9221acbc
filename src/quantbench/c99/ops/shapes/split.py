"""Split: cuts an axis behind the batch into parts, each an output."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import Choice, axis_behind_batch, rearranged
from quantbench.c99.frontend.values import Constant, Several, Value
from quantbench.errors import CompileError

NAME = "Split"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axis", "split", "num_outputs"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.value(node, 0)
    if isinstance(value, Constant):
        shape: tuple[int, ...] = value.array.shape
    else:
        shape = (1, *context.moved(node, 0).shape)
    axis = axis_behind_batch(node, node.whole("axis", 0), len(shape))
    if axis == 0 and not isinstance(value, Constant):
        raise CompileError(f"{node.where}: it cuts the batch; other axes are supported")
    sizes = context.wholes(node, 1) or node.wholes("split") or _even(node, shape[axis])
    if len(sizes) != len(node.outputs) or min(sizes) < 1 or sum(sizes) != shape[axis]:
        raise CompileError(f"{node.where}: its parts {[*sizes]} don't make up {shape[axis]}")
    ends = pairwise(accumulate(sizes, initial=0))
    return Several(tuple(rearranged(context, node, _part(axis, *both)) for both in ends))


def _part(axis: int, begin: int, end: int) -> Choice:
    def choose(values: NDArray[Any]) -> NDArray[Any]:
        return values.take(np.arange(begin, end), axis)

    return choose


def _even(node: OnnxNode, size: int) -> tuple[int, ...]:
    """Equal parts; the last is smaller where they don't come out even."""
    count = node.whole("num_outputs", len(node.outputs))
    each = -(-size // max(1, count))
    return (*(each,) * (count - 1), size - each * (count - 1))
