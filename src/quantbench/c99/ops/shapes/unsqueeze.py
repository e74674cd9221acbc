"""Unsqueeze: adds axes of size 1 behind the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.shapes import axes_of, reshaped
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Unsqueeze"
INPUTS = (1, 2)
ATTRIBUTES = frozenset({"axes"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    axes = axes_of(context, node) or ()
    if isinstance(context.value(node, 0), Constant):
        return rearranged(context, node, lambda values: _constant(node, values, axes))
    value = context.moved(node, 0)
    rank = len(value.shape) + 1 + len(axes)
    new = {axis % rank for axis in axes if -rank <= axis < rank}
    sizes: Iterator[int] = iter(value.shape)
    shape = tuple(1 if axis in new else next(sizes, 1) for axis in range(1, rank))
    return reshaped(node, value, shape, kept=0 not in new and len(new) == len(axes))


def _constant(node: OnnxNode, values: NDArray[Any], axes: tuple[int, ...]) -> NDArray[Any]:
    try:
        return np.expand_dims(values, axes)
    except ValueError as error:
        raise CompileError(
            f"{node.where}: the axes {[*axes]} don't fit {values.ndim} dimensions"
        ) from error
