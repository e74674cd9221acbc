"""Transpose: reorders the axes of constants only."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Constant, Value, Weights
from quantbench.errors import CompileError

NAME = "Transpose"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"perm"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.value(node, 0)
    if not isinstance(value, Constant | Weights):
        raise CompileError(f"{node.where}: it is supported on constants only")
    values = value.array if isinstance(value, Constant) else value.values
    order = node.wholes("perm") or tuple(reversed(range(values.ndim)))
    if sorted(order) != [*range(values.ndim)]:
        raise CompileError(f"{node.where}: its perm isn't an order of {values.ndim} axes")
    if isinstance(value, Constant):
        return Constant(values.transpose(order))
    axis = None if value.axis is None else order.index(value.axis)
    return replace(value, values=value.values.transpose(order), axis=axis)
