"""Gather: takes the places of one axis that a constant lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import axis_behind_batch, rearranged
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Gather"
INPUTS = (2, 2)
ATTRIBUTES = frozenset({"axis"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    places = context.constant(node, 1)
    if places is None or places.dtype not in (np.int32, np.int64):
        raise CompileError(f"{node.where}: its indices are supported as int32 or int64 only")
    indices = places.astype(np.int64)
    constant = isinstance(context.value(node, 0), Constant)

    def choose(values: NDArray[Any]) -> NDArray[Any]:
        axis = axis_behind_batch(node, node.whole("axis", 0), values.ndim)
        size = values.shape[axis]
        if (axis == 0 and not constant) or not ((-size <= indices) & (indices < size)).all():
            raise CompileError(
                f"{node.where}: it takes places {indices.ravel()[:4].tolist()} of axis {axis}; "
                "those of an axis behind the batch, within its size, are supported"
            )
        chosen: NDArray[Any] = values.take(indices % size, axis)
        return chosen

    return rearranged(context, node, choose)
