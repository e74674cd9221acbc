"""Unsqueeze: adds axes of size 1 behind the batch."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import axes_of, reshaped
from quantbench.c99.frontend.values import Value

NAME = "Unsqueeze"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axes"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.moved(node, 0)
    axes = axes_of(context, node) or ()
    rank = len(value.shape) + 1 + len(axes)
    new = {axis % rank for axis in axes if -rank <= axis < rank}
    sizes: Iterator[int] = iter(value.shape)
    shape = tuple(1 if axis in new else next(sizes, 1) for axis in range(1, rank))
    return reshaped(node, value, shape, kept=0 not in new and len(new) == len(axes))
