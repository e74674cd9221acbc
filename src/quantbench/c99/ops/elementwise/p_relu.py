"""PRelu: slope x below 0, else x; the slope is one constant, or one for each channel or place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.affine import as_image, depthwise
from quantbench.c99.frontend.binary import CombineExpr, by_channel, constant
from quantbench.c99.frontend.builder import Builder, Deferred, Expr, TensorRef
from quantbench.c99.frontend.by_place import differs_by_place, spread
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.functions import FunctionExpr, applied, operands
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import ADD, Function
from quantbench.c99.ir.graph import Reals, Shape
from quantbench.c99.nodes.clamp import Clamp

NAME = "PRelu"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    given = constant(context, node, 1)
    by_place = differs_by_place(given.shape, value.shape)
    slopes = (spread if by_place else by_channel)(node, given, value.shape)
    if slopes.size == 1:
        return applied(context, node, _function(slopes))
    if context.builder.held:
        ref = context.settled(node, 0)
        shape = (slopes.size, 1, 1) if by_place else as_image(ref.shape)
        tensor = context.builder.seen(replace(ref, shape=shape))
        shape = context.builder.tensors[tensor].shape
        return Deferred(SlopesExpr(node.where, tensor, shape, slopes), ref.shape)
    operand = operands(context, node, 0)[-1]
    if operand.numbers.shape[0] != slopes.size:  # channels that were reshaped
        by_place, slopes = True, spread(node, given, value.shape)
    numbers = operand.of_integers(context, node)
    if by_place:
        numbers = _of_places(context, node, numbers)
    rows = np.broadcast_to(numbers.values, (slopes.size, numbers.values.shape[1]))
    each = replace(numbers, values=rows, errors=np.broadcast_to(numbers.errors, rows.shape))
    return Deferred(each.then(node.where, _function(slopes.reshape(-1, 1))), operand.shape)


def _of_places(context: Context, node: OnnxNode, numbers: FunctionExpr) -> FunctionExpr:
    """The numbers of a tensor, seen as a vector, with a row for each place."""
    builder, size = context.builder, math.prod(numbers.shape)
    builder.spend(2 * size * numbers.values.shape[1])
    vector = builder.seen_exactly(TensorRef(numbers.input, (size,)))
    each = size // len(numbers.values)
    return replace(
        numbers, input=vector, shape=(size,), where=node.where,
        values=np.repeat(numbers.values, each, axis=0),
        errors=np.repeat(numbers.errors, each, axis=0),
    )  # fmt: skip


def _function(slopes: Reals) -> Function:
    c = f"x < 0.0F ? {real(float(slopes.flat[0]))} * x : x"
    return Function("PReLU", lambda x: np.where(x < 0, slopes * x, x), c, units=0)


@dataclass(frozen=True, eq=False)
class SlopesExpr(Expr):
    """A slope for each channel of a float32 tensor: max(x, 0) + slope min(x, 0)."""

    where: str
    input: str
    shape: Shape
    slopes: Reals

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        above, below = (builder.add(f"before {name}", self.shape, format) for _ in range(2))
        builder.nodes.append(Clamp(self.where, self.input, above, 0.0, None))
        builder.nodes.append(Clamp(self.where, self.input, below, None, 0.0))
        product = depthwise(builder, self.where, below, self.slopes)
        sloped = product.lower(builder, f"before {name}", FREE, format)
        total = CombineExpr(self.where, (above, sloped), self.shape, ADD)
        return total.lower(builder, name, limits, format)
