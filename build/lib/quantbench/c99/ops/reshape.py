"""Reshape: changes to a constant shape that keeps the batch in front."""

from __future__ import annotations

import math

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import reshaped
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "Reshape"
INPUTS = (2, 2)
ATTRIBUTES = frozenset({"allowzero"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.moved(node, 0)
    wanted = context.wholes(node, 1)
    if wanted is None:
        raise CompileError(f"{node.where}: it has no shape")
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
    kept = batch in (-1, context.network.batch) or (batch == 0 and copies)
    return reshaped(node, value, tuple(rest), kept=kept)
