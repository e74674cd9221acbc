"""PRelu: slope x below 0, else x; the slope is one constant, or one for each channel or place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.affine import as_image, depthwise
from quantbench.c99.frontend.binary import CombineExpr, by_channel, constant
from quantbench.c99.frontend.builder import Builder, Deferred, Expr, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.functions import FunctionExpr, applied, operands
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import ADD, Function
from quantbench.c99.ir.graph import Reals, Shape
from quantbench.c99.nodes.clamp import Clamp
from quantbench.errors import CompileError

NAME = "PRelu"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()
_MAX_PLACES = 2**14
"""Places with a slope each: integers have a table of 256 bytes for each."""


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    given = constant(context, node, 1)
    by_place = _by_place(given.shape, value.shape)
    slopes = _spread(node, given, value.shape) if by_place else by_channel(node, given, value.shape)
    if slopes.size == 1:
        return applied(context, node, _function(slopes))
    if context.builder.held:
        ref = context.settled(node, 0)
        shape = (slopes.size, 1, 1) if by_place else as_image(ref.shape)
        tensor = context.builder.seen(replace(ref, shape=shape))
        shape = context.builder.tensors[tensor].shape
        return Deferred(SlopesExpr(node.where, tensor, shape, slopes), ref.shape)
    operand = operands(context, node, 0)[-1]
    if not by_place and operand.numbers.shape[0] != slopes.size:
        raise CompileError(f"{node.where}: its slopes don't fit channels that were reshaped")
    numbers = operand.of_integers(context, node)
    if by_place:
        numbers = _of_places(context, node, numbers)
    spread = np.broadcast_to(numbers.values, (slopes.size, numbers.values.shape[1]))
    each = replace(numbers, values=spread, errors=np.broadcast_to(numbers.errors, spread.shape))
    return Deferred(each.then(node.where, _function(slopes.reshape(-1, 1))), operand.shape)


def _by_place(slopes: Shape, shape: Shape) -> bool:
    """Whether a slope's dimensions, but the channels', are more than 1."""
    own = (1,) * (len(shape) + 1 - len(slopes)) + slopes
    return any(size != 1 for axis, size in enumerate(own) if axis != 1)


def _spread(node: OnnxNode, slopes: Reals, shape: Shape) -> Reals:
    """The slope of each place of an input of `shape`, in ONNX's order. Raises CompileError."""
    own = slopes.shape[1:] if slopes.ndim > len(shape) and slopes.shape[0] == 1 else slopes.shape
    pairs = zip(reversed(own), reversed(shape), strict=False)
    if len(own) > len(shape) or any(size not in (1, whole) for size, whole in pairs):
        raise CompileError(f"{node.where}: its slopes {[*slopes.shape]} don't fit {[*shape]}")
    if math.prod(shape) > _MAX_PLACES:
        raise CompileError(
            f"{node.where}: slopes for {math.prod(shape):,} places; up to {_MAX_PLACES:,} are "
            "supported, beside one slope and one for each channel"
        )
    return np.ascontiguousarray(np.broadcast_to(slopes.reshape(own), shape)).reshape(-1)


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
