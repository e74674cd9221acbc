"""PRelu: slope x below 0, else x; the slope is one constant, or one for each channel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.affine import as_image, depthwise
from quantbench.c99.frontend.binary import CombineExpr, by_channel, constant
from quantbench.c99.frontend.builder import Builder, Deferred, Expr
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.functions import applied, operands
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import ADD, Function
from quantbench.c99.ir.graph import Reals, Shape
from quantbench.c99.nodes.clamp import Clamp
from quantbench.errors import CompileError

NAME = "PRelu"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    slopes = by_channel(node, constant(context, node, 1), value.shape)
    if slopes.size == 1:
        return applied(context, node, _function(slopes))
    if context.builder.held:
        ref = context.settled(node, 0)
        tensor = context.builder.seen(replace(ref, shape=as_image(ref.shape)))
        shape = context.builder.tensors[tensor].shape
        return Deferred(SlopesExpr(node.where, tensor, shape, slopes), ref.shape)
    operand = operands(context, node, 0)[-1]
    if operand.numbers.shape[0] != slopes.size:
        raise CompileError(f"{node.where}: its slopes don't fit channels that were reshaped")
    numbers = operand.of_integers(context, node)
    spread = np.broadcast_to(numbers.values, (slopes.size, numbers.values.shape[1]))
    each = replace(numbers, values=spread, errors=np.broadcast_to(numbers.errors, spread.shape))
    return Deferred(each.then(node.where, _function(slopes.reshape(-1, 1))), operand.shape)


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
