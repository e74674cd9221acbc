"""Reshape: changes to a constant shape that keeps the batch in front."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from quantbench.c99.frontend.context import BATCH, Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.shapes import reshaped
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Reshape"
INPUTS = (2, 2)
ATTRIBUTES = frozenset({"allowzero"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    wanted = context.wholes(node, 1)
    if wanted is None:
        raise CompileError(f"{node.where}: it has no shape")
    if isinstance(context.value(node, 0), Constant):
        return rearranged(context, node, lambda values: _constant(node, values, wanted))
    value = context.moved(node, 0)
    batch, *rest = wanted or (1,)
    copies = not node.whole("allowzero", 0)
    if copies and 0 in rest:
        rest = [
            value.shape[axis] if size == 0 and axis < len(value.shape) else size
            for axis, size in enumerate(rest)
        ]
    known = math.prod(size for size in rest if size != -1)
    if rest.count(-1) == 1 and known > 0 and batch != -1:
        rest[rest.index(-1)] = math.prod(value.shape) // known
    kept = batch in (-1, BATCH, context.network.batch) or (batch == 0 and copies)
    return reshaped(node, value, tuple(rest), kept=kept)


def _constant(node: OnnxNode, values: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    copies = not node.whole("allowzero", 0)
    sizes = [
        values.shape[axis] if size == 0 and copies and axis < values.ndim else size
        for axis, size in enumerate(shape)
    ]
    try:
        return values.reshape(sizes)
    except ValueError as error:
        raise CompileError(
            f"{node.where}: from {[*values.shape]} to {[*shape]}, which has another size"
        ) from error
