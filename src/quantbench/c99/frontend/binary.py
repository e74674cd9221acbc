"""Sums, products, maxima of two inputs, of which one may be a constant or broadcast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.activations import limited
from quantbench.c99.frontend.affine import affine
from quantbench.c99.frontend.builder import Builder, Deferred, Expr, IdentityExpr
from quantbench.c99.frontend.by_place import affine_by_place, differs_by_place, spread
from quantbench.c99.frontend.context import BATCH, Context
from quantbench.c99.frontend.formats import Format, Limits
from quantbench.c99.frontend.functions import applied, combined, operands
from quantbench.c99.frontend.linear import still_linear
from quantbench.c99.frontend.mixing import Reach, product_of
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import same
from quantbench.c99.frontend.values import Constant, Int32Constant, Value, Weights
from quantbench.c99.ir.functions import MAXIMUM, MINIMUM, Function, Operation
from quantbench.c99.ir.graph import Reals, Requantization, Shape
from quantbench.c99.nodes.broadcast import Broadcast
from quantbench.c99.nodes.combine import Combine
from quantbench.c99.nodes.extreme import Extreme
from quantbench.c99.nodes.product import Product
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact, multiplier

Affine = Callable[[Fraction], tuple[Fraction, Fraction]]
"""A constant -> the factor and the addend that it stands for."""
Tensors = Callable[[Context, OnnxNode], Value]
"""The outcome for two tensors that nothing ties together."""


def elementwise(
    context: Context, node: OnnxNode, operation: Operation, tensors: Tensors,
    line: Affine | None, turned: Affine | None,
) -> Value:  # fmt: skip
    """An operation on two inputs.

    `line`: what a constant in the second place is to the first input, if it is a factor and an
    addend; `turned`: a constant in the first place to the second.
    """
    constants = [at for at in (0, 1) if is_constant(context, node, at)]
    if len(constants) == 2:
        sizes = [_sizes(context, node, at) for at in constants]
        if sizes[0] is not None and sizes[1] is not None:
            return _computed(node, operation, sizes[0], sizes[1])
        first, second = (constant(context, node, at) for at in constants)
        with np.errstate(all="ignore"):
            folded = operation.evaluate(first.astype(np.float64), second.astype(np.float64))
        context.builder.spend(folded.size)
        return Constant(folded.astype(np.float32))
    if constants:
        at = constants[0]
        return _with_constant(context, node, operation, at, line if at else turned)
    return common(context, node, operation) or tensors(context, node)


def _sizes(context: Context, node: OnnxNode, at: int) -> NDArray[np.int64] | None:
    """A constant input that is int64, such as a size that an exporter computes; else None."""
    value = context.value(node, at)
    whole = isinstance(value, Constant) and value.array.dtype == np.int64
    return value.array.astype(np.int64) if isinstance(value, Constant) and whole else None


def _computed(
    node: OnnxNode, operation: Operation, first: NDArray[np.int64], second: NDArray[np.int64]
) -> Constant:
    """An operation on sizes: a quotient is cut to a whole number, as ONNX has it.

    Raises CompileError where the batch, which may be open, is among them, or a result too large.
    """
    with np.errstate(all="ignore"):
        result = np.trunc(operation.evaluate(first.astype(np.float64), second.astype(np.float64)))
    largest = np.concatenate([np.abs(array).ravel() for array in (first, second, result)])
    if not (largest < -BATCH // 2).all():
        raise CompileError(f"{node.where}: it computes with an open batch, or beyond all sizes")
    return Constant(result.astype(np.int64))


def constant(context: Context, node: OnnxNode, at: int) -> Reals:
    """A constant input as float32, of any shape. Raises CompileError unless it is finite."""
    value = context.value(node, at)
    if isinstance(value, Weights | Int32Constant):
        axis = value.axis if isinstance(value, Weights) else value.values.ndim - 1
        shape = [-1 if place == axis else 1 for place in range(value.values.ndim)]
        scale = value.scale.reshape(shape) if value.scale.size > 1 else value.scale.reshape(())
        array = value.values.astype(np.float32) * scale
    else:
        stored = context.constant(node, at)
        if stored is None or stored.dtype != np.float32:
            raise CompileError(f"{node.where}: its constant is supported as float32 only")
        array = stored.astype(np.float32)
    if not np.isfinite(array).all():
        raise CompileError(f"{node.where}: its constant isn't finite")
    return np.asarray(array, np.float64)


def is_constant(context: Context, node: OnnxNode, at: int) -> bool:
    """Whether the operand at a place of a node is known when the network is compiled."""
    return isinstance(context.value(node, at), Constant | Weights | Int32Constant)


def _with_constant(
    context: Context, node: OnnxNode, operation: Operation, at: int, line: Affine | None
) -> Value:
    """An operation on an activation and the constant in place `at`."""
    other = 1 - at
    value = context.activation(node, other)
    given = constant(context, node, at)
    by_place = differs_by_place(given.shape, value.shape)
    numbers = (spread if by_place else by_channel)(node, given, value.shape)
    if numbers.size == 1 and (still_linear(value) is None or shared(context, node, other)):
        return applied(context, node, with_number(operation, float(numbers[0]), at), other)
    if line is None:
        raise CompileError(
            f"{node.where}: one constant for all channels is supported in its place {at + 1}"
        )
    each = (numbers if by_place else np.broadcast_to(numbers, value.shape[0])).tolist()
    factors, addends = zip(*(line(exact(number)) for number in each), strict=True)
    return (affine_by_place if by_place else affine)(context, node, other, factors, addends)


def shared(context: Context, node: OnnxNode, at: int) -> bool:
    """Whether the sums of a layer of integers are read by others as well, so that they are kept."""
    held = context.builder.held is not None
    return not held and context.reader(node.inputs[at]) is None


def with_number(operation: Operation, number: float, at: int) -> Function:
    """The function of one input that an operation is where the one in place `at` is constant."""
    words = f"{operation.words} {number:g}"
    names = (real(number), "x") if at == 0 else ("x", real(number))
    c = operation.c.translate({ord("a"): names[0], ord("b"): names[1]})
    if at == 0:
        return Function(words, lambda x: operation.evaluate(np.full_like(x, number), x), c, units=0)
    return Function(words, lambda x: operation.evaluate(x, np.full_like(x, number)), c, units=0)


def by_channel(node: OnnxNode, array: Reals, shape: Shape) -> Reals:
    """A constant as one number, or one for each channel of an input of `shape`: [1] or [C]."""
    if array.size == 1:
        return array.reshape(1)
    own = (1,) * (len(shape) + 1 - array.ndim) + array.shape
    if own != (1, shape[0], *[1] * (len(shape) - 1)):
        raise CompileError(
            f"{node.where}: its constant {[*array.shape]} is supported as one number, or as one "
            f"for each channel of {[*shape]}"
        )
    return array.reshape(-1)


def common(context: Context, node: OnnxNode, operation: Operation) -> Deferred | None:
    """The operation on two functions of the same tensor; None where they have none in common."""
    if context.builder.held:
        return None
    pairs = product(operands(context, node, 0), operands(context, node, 1))
    for first, second in pairs:
        a, b = first.numbers, second.numbers
        if a.input == b.input and a.shape == b.shape and first.shape == second.shape:
            first.taken(context)
            second.taken(context)
            return Deferred(combined(node.where, a, b, operation), first.shape)
    return None


def broadcast(node: OnnxNode, first: Shape, second: Shape) -> Shape:
    """The shape of a result. Raises CompileError where they don't fit."""
    pairs = [*zip(first, second, strict=False)]
    if len(first) != len(second) or any(a != b and 1 not in (a, b) for a, b in pairs):
        raise CompileError(
            f"{node.where}: its inputs are {[*first]} and {[*second]}; shapes of one rank, which "
            "agree but for sizes of 1, are supported"
        )
    return tuple(max(a, b) for a, b in pairs)


def pair(context: Context, node: OnnxNode) -> tuple[tuple[str, str], Shape]:
    """The tensors of both inputs, as layers see them, and the shape of the result in the file."""
    first, second = (context.settled(node, at, words=not context.builder.held) for at in (0, 1))
    shape = broadcast(node, first.shape, second.shape)
    return (context.builder.seen(first), context.builder.seen(second)), shape


def expanded(builder: Builder, where: str, tensor: str, shape: Shape) -> str:
    """The tensor repeated along its axes of size 1, so that it has `shape`."""
    record = builder.tensors[tensor]
    if record.shape == shape:
        return tensor
    if len(record.scale) > 1 and record.shape[0] != shape[0]:
        raise CompileError(f"{where}: a scale for each of its channels doesn't fit {[*shape]}")
    output = builder.add(f"{tensor} repeated", shape, builder.format(tensor))
    builder.nodes.append(Broadcast(where, tensor, output))
    return output


def result_shape(builder: Builder, tensors: tuple[str, str]) -> Shape:
    """The shape of a result of two tensors as layers see them."""
    first, second = (builder.tensors[name].shape for name in tensors)
    return tuple(max(a, b) for a, b in zip(first, second, strict=True))


@dataclass(frozen=True, eq=False)
class CombineExpr(Expr):
    """An operation on two float32 tensors."""

    where: str
    inputs: tuple[str, str]
    shape: Shape
    operation: Operation

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        output = builder.add(name, self.shape, format)
        node = Combine(self.where, self.inputs, output, self.operation, *limits.floats)
        builder.nodes.append(node)
        return output


def combined_floats(context: Context, node: OnnxNode, operation: Operation) -> Deferred:
    """The operation on two float32 tensors."""
    tensors, shape = pair(context, node)
    seen = result_shape(context.builder, tensors)
    return Deferred(CombineExpr(node.where, tensors, seen, operation), shape)


@dataclass(frozen=True)
class ProductExpr(Expr):
    """The product of two 8-bit tensors."""

    where: str
    inputs: tuple[str, str]
    shape: Shape
    takes_activation: ClassVar[bool] = True

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        inputs = builder.fine(self.where, self.inputs[0]), builder.fine(self.where, self.inputs[1])
        channels, own = self.shape[0], [builder.scales(tensor) for tensor in inputs]
        columns = [*own, tuple(exact(scale) for scale in format.scales)]
        many = max(len(column) for column in columns)
        if many not in (1, channels):
            raise CompileError(f"{self.where}: its inputs' scales don't fit {channels} channels")
        a, b, out = (column if len(column) > 1 else column * many for column in columns)
        ratios = [x * y / step for x, y, step in zip(a, b, out, strict=True)]
        distinct = ratios[:1] if len({*ratios}) == 1 else ratios
        factors = tuple(multiplier(ratio, self.where) for ratio in distinct)
        ends = boundary.integers(self.where, limits, format)
        output = builder.add(name, self.shape, format)
        requantize = Requantization(factors, format.zero_point, *ends)
        builder.nodes.append(Product(self.where, inputs, output, requantize))
        return output

    def reach(self, builder: Builder) -> Reach:
        return product_of(*(builder.reach(tensor) for tensor in self.inputs))


@dataclass(frozen=True)
class ExtremeExpr(Expr):
    """The larger or the smaller of two tensors, each held in the result's format first."""

    where: str
    inputs: tuple[str, str]
    shape: Shape
    kind: Literal["maximum", "minimum"]

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        held = []
        for tensor in self.inputs:
            part = IdentityExpr(self.where, tensor, builder.tensors[tensor].shape)
            lowered = part.lower(builder, f"before {name}", limits, format)
            held.append(expanded(builder, self.where, lowered, self.shape))
        output = builder.add(name, self.shape, format)
        builder.nodes.append(Extreme(self.where, (held[0], held[1]), output, self.kind))
        return output


def extreme(context: Context, node: OnnxNode, operation: Operation) -> Value:
    """The larger or the smaller of two inputs; a constant is a limit of the other."""
    if len(node.inputs) == 1:
        return same(context, node)
    constants = [at for at in (0, 1) if is_constant(context, node, at)]
    if len(constants) == 1:
        numbers = constant(context, node, constants[0])
        if numbers.size != 1:
            raise CompileError(f"{node.where}: one constant for all channels is supported")
        limit = exact(float(numbers.reshape(-1)[0]))
        limits = Limits(low=limit) if operation is MAXIMUM else Limits(high=limit)
        return limited(context, context.activation(node, 1 - constants[0]), node.where, limits)
    return elementwise(context, node, operation, _extremes[operation.words], None, None)


def _larger(context: Context, node: OnnxNode) -> Value:
    return _extreme(context, node, MAXIMUM, "maximum")


def _smaller(context: Context, node: OnnxNode) -> Value:
    return _extreme(context, node, MINIMUM, "minimum")


def _extreme(
    context: Context, node: OnnxNode, operation: Operation, kind: Literal["maximum", "minimum"]
) -> Value:
    if context.builder.held:
        return combined_floats(context, node, operation)
    tensors, shape = pair(context, node)
    seen = result_shape(context.builder, tensors)
    return Deferred(ExtremeExpr(node.where, tensors, seen, kind), shape)


_extremes = {MAXIMUM.words: _larger, MINIMUM.words: _smaller}
