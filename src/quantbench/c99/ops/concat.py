"""Concat: joins along any axis; parts of other scales are first brought to that of the result."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import (
    Builder,
    Deferred,
    Expr,
    IdentityExpr,
    TensorRef,
)
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.mixing import fine_format
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import axis_behind_batch, require_few, stepped
from quantbench.c99.frontend.values import Constant, Value
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    BYTES,
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    Orders,
    Shape,
    Step,
    Tensors,
    Values,
    Window,
    image_shape,
)
from quantbench.c99.ir.move import Move
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import CompileError

NAME = "Concat"
INPUTS = (1, 10_000)
ATTRIBUTES = frozenset({"axis"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    constants = [context.value(node, at) for at in range(len(node.inputs))]
    if all(isinstance(value, Constant) for value in constants):
        return _constant(node, [value.array for value in constants if isinstance(value, Constant)])
    rank = len(context.activation(node, 0).shape) + 1
    axis = axis_behind_batch(node, node.whole("axis", 1), rank)
    parts = tuple(
        part for at in range(len(node.inputs)) for part in _parts(context, node, at, axis)
    )
    shapes = {(len(part.shape), *part.shape[: axis - 1], *part.shape[axis:]) for part in parts}
    if len(shapes) != 1 or axis == 0:
        raise CompileError(
            f"{node.where}: an axis behind the batch, of shapes that agree in the others, is "
            "supported"
        )
    whole = sum(part.shape[axis - 1] for part in parts)
    shape = (*parts[0].shape[: axis - 1], whole, *parts[0].shape[axis:])
    if math.prod(shape) > MAX_NUMBERS:
        raise CompileError(f"{node.where}: its output of {[*shape]} is too large")
    if axis > 1:
        return _behind_each_other(context, node, parts, axis)
    return Deferred(ConcatExpr(node.where, parts, image_shape(shape)), shape)


def _constant(node: OnnxNode, arrays: list[NDArray[Any]]) -> Constant:
    """Constants joined, as exporters do with the sizes of a shape."""
    axis = node.whole("axis", 0)
    kinds = {array.dtype for array in arrays}
    try:
        joined = np.concatenate(arrays, axis)
    except ValueError as error:  # numpy's AxisError is one
        raise CompileError(f"{node.where}: its constants don't fit along axis {axis}") from error
    if len(kinds) > 1 or joined.size > MAX_NUMBERS:
        raise CompileError(f"{node.where}: its constants are of several types, or too large")
    return Constant(joined)


def _behind_each_other(
    context: Context, node: OnnxNode, parts: tuple[TensorRef | Deferred, ...], axis: int
) -> Deferred:
    """A concatenation along another axis: all values one part behind the other, then reordered."""
    begin, places = 0, []
    for part in parts:
        size = math.prod(part.shape)
        require_few(node, (begin + size,))
        places.append(np.arange(begin, begin + size).reshape(part.shape))
        begin += size
    index = np.concatenate(places, axis - 1)
    context.builder.spend(8 * begin)
    flat = tuple(replace(part, shape=(math.prod(part.shape),)) for part in parts)
    core = ConcatExpr(node.where, flat, (begin,))
    joined = Deferred(core, core.shape)
    return stepped(context, node, joined, index.reshape(-1), index.shape)


def _parts(
    context: Context, node: OnnxNode, at: int, axis: int
) -> tuple[TensorRef | Deferred, ...]:
    """An input; one that is itself a concatenation is computed first, and only once, if it can be.

    Of parts in several formats, which nothing brings to one, each is a part by itself.
    """
    value = context.activation(node, at)
    if not isinstance(value, Deferred) or not isinstance(value.core, ConcatExpr):
        return (value,)
    formats = {
        context.builder.format(part.tensor) if isinstance(part, TensorRef) else part
        for part in value.core.parts
    }
    apart = axis == 1 and len(formats) > 1 and value.plain and value.limits == FREE
    words = not context.builder.held
    return value.core.parts if apart else (context.settled(node, at, words=words),)


@dataclass(frozen=True)
class ConcatExpr(Expr):
    """The concatenation of activations along channels."""

    where: str
    parts: tuple[TensorRef | Deferred, ...]
    shape: Shape

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        between, begin, inputs = f"before {name}", 0, []
        for part in self.parts:
            end = begin + part.shape[0]
            deferred, own = _deferred(builder, part, between), format.of_channels(begin, end)
            inputs.append(builder.seen(builder.place(between, deferred, own)))
            begin = end
        output = builder.add(name, self.shape, format)
        builder.nodes.append(Concat(self.where, tuple(inputs), output))
        return IdentityExpr(self.where, output, self.shape).lower(builder, name, limits, format)

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str | None:
        held = [
            part if isinstance(part, TensorRef) else builder.widened(name, part)
            for part in self.parts
        ]
        refs = tuple(ref for ref in held if ref is not None)
        if len(refs) < len(held):
            return None
        lows, highs = zip(*(builder.reach(ref.tensor) for ref in refs), strict=True)
        reach = limits.within((min(lows), max(highs)))
        format = fine_format(self.where, reach)
        tensor = replace(self, parts=refs).lower(builder, name, limits, format)
        builder.reaches[tensor] = reach
        return tensor

    @property
    def joined(self) -> tuple[TensorRef | Deferred, ...]:
        return self.parts

    def joining(self, parts: tuple[TensorRef | Deferred, ...]) -> ConcatExpr:
        return replace(self, parts=parts)

    def unrounded(self, builder: Builder) -> tuple[Expr, Format] | None:
        held = [builder.settled(part) for part in self.parts]
        refs = tuple(ref for ref in held if ref is not None)
        formats = {builder.format(ref.tensor) for ref in refs}
        if len(refs) < len(held) or len(formats) > 1:
            return None
        format = formats.pop()
        return None if format.by_channel else (replace(self, parts=refs), format)


def _deferred(builder: Builder, part: TensorRef | Deferred, where: str) -> Deferred:
    if isinstance(part, Deferred):
        return part
    core = IdentityExpr(where, part.tensor, builder.tensors[part.tensor].shape)
    return Deferred(core, part.shape)


@dataclass(frozen=True)
class Concat(Move):
    """The concatenation, along channels, of tensors of one format."""

    name: str
    inputs: tuple[str, ...]
    output: str

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        return np.concatenate([numbers[name] for name in self.inputs], axis=1)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Lay an image out as images are; vectors keep their orders, one behind the other."""
        shape = graph.tensors[self.output].shape
        if len(shape) > 1:
            return Laid(self, orders, nhwc(shape))
        begin, parts = 0, []
        for order in orders:
            parts.append(order + begin)
            begin += len(order)
        return Laid(self, orders, np.concatenate(parts))

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        size = 1 if step.output.type == "float32" else BYTES[step.output.type]
        stride, first, calls = step.output.shape[0] * size, 0, []
        positions = step.output.size // step.output.shape[0]
        for part in step.inputs:
            width = part.shape[0] * size
            numbers = f"{positions}, {width}, {first}, {stride}"
            calls.append(f"model_concat({part.at}, {step.output.at}, {numbers});")
            first += width
        return Code("", tuple(calls), ("concat",))

    def describe(self) -> list[str]:
        return ["concatenation of channels"]
