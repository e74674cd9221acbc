"""Transpose: reorders the axes behind the batch; those of constants in any way."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import rearranged
from quantbench.c99.frontend.values import Constant, Value, Weights
from quantbench.errors import CompileError

NAME = "Transpose"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"perm"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.value(node, 0)
    if isinstance(value, Weights):
        order = _order(node, value.values.ndim)
        axis = None if value.axis is None else order.index(value.axis)
        return replace(value, values=value.values.transpose(order), axis=axis)
    if isinstance(value, Constant):
        return Constant(value.array.transpose(_order(node, value.array.ndim)))
    order = _order(node, len(context.moved(node, 0).shape) + 1)
    if order[0] != 0:
        raise CompileError(
            f"{node.where}: its perm {[*order]} moves the batch; 0 in front does not"
        )
    return rearranged(context, node, lambda values: values.transpose(order))


def _order(node: OnnxNode, rank: int) -> tuple[int, ...]:
    order = node.wholes("perm") or tuple(reversed(range(rank)))
    if sorted(order) != [*range(rank)]:
        raise CompileError(f"{node.where}: its perm isn't an order of {rank} axes")
    return order
