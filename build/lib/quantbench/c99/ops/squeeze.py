"""Squeeze: removes axes of size 1, but never the batch."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import axes_of, reshaped
from quantbench.c99.frontend.values import Value

NAME = "Squeeze"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axes"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.moved(node, 0)
    axes = axes_of(context, node)
    rank = len(value.shape) + 1
    if axes is None:
        axes = tuple(axis for axis, size in enumerate(value.shape, start=1) if size == 1)
    gone = {axis % rank for axis in axes if -rank <= axis < rank}
    shape = tuple(size for axis, size in enumerate(value.shape, start=1) if axis not in gone)
    return reshaped(node, value, shape, kept=0 not in gone)
