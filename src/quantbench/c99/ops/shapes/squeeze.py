"""Squeeze: removes axes of size 1, but never the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.shapes import axes_of, reshaped
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Squeeze"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axes"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    axes = axes_of(context, node)
    if isinstance(context.value(node, 0), Constant):
        return rearranged(context, node, lambda values: _constant(node, values, axes))
    value = context.moved(node, 0)
    rank = len(value.shape) + 1
    if axes is None:
        axes = tuple(axis for axis, size in enumerate(value.shape, start=1) if size == 1)
    gone = {axis % rank for axis in axes if -rank <= axis < rank}
    shape = tuple(size for axis, size in enumerate(value.shape, start=1) if axis not in gone)
    return reshaped(node, value, shape, kept=0 not in gone)


def _constant(node: OnnxNode, values: NDArray[Any], axes: tuple[int, ...] | None) -> NDArray[Any]:
    try:
        return np.squeeze(values, axes)
    except ValueError as error:
        raise CompileError(
            f"{node.where}: the axes {list(axes or ())} of {[*values.shape]} aren't of size 1"
        ) from error
