"""Slice: takes a part of each axis behind the batch, at even steps."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import axis_behind_batch, rearranged
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Slice"
INPUTS = (3, 5)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    starts, ends = context.wholes(node, 1) or (), context.wholes(node, 2) or ()
    axes = context.wholes(node, 3) or tuple(range(len(starts)))
    steps = context.wholes(node, 4) or (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise CompileError(f"{node.where}: its starts, ends, axes and steps don't fit together")
    constant = isinstance(context.value(node, 0), Constant)

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        taken = [slice(None)] * values.ndim
        for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
            place = axis_behind_batch(node, axis, values.ndim)
            whole = (start, step) == (0, 1) and end >= 2**31 - 1
            if place == 0 and not constant and not whole:
                raise CompileError(f"{node.where}: it cuts the batch; other axes are supported")
            taken[place] = _slice(start, end, step, values.shape[place])
        return values[tuple(taken)]

    return rearranged(context, node, choose)


def _slice(start: int, end: int, step: int, size: int) -> slice:
    """Python's slice of ONNX's: counted from the end below 0, then held within the axis."""
    start, end = (number + size if number < 0 else number for number in (start, end))
    if step > 0:
        return slice(min(max(start, 0), size), min(max(end, 0), size), step)
    last = min(max(end, -1), size - 1)
    return slice(min(max(start, 0), size - 1), None if last == -1 else last, step)
