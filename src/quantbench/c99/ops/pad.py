"""Pad: puts a frame of one constant around the height and width of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.emit.describe import pads_words
from quantbench.c99.emit.fragments import pad_call
from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.builder import Builder, PostStep
from quantbench.c99.frontend.context import Context, channels_and_image, signal_or_image
from quantbench.c99.frontend.formats import Limits
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import before_step
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    Graph,
    Shape,
    Step,
    Tensors,
    Values,
)
from quantbench.c99.ir.move import Move
from quantbench.c99.ir.patches import padded
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "Pad"
INPUTS = (1, 4)
ATTRIBUTES = frozenset({"mode", "pads", "value"})
_MAX_PAD = 2**15


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.to_be_moved(node, 0)
    old = context.network.opset < 11
    pads = node.wholes("pads") if old else context.wholes(node, 1)
    fill = node.real("value", 0.0) if old else context.number(node, 2) or 0.0
    axes = context.wholes(node, 3)
    if node.text("mode", "constant") != "constant" or not math.isfinite(fill):
        raise CompileError(f"{node.where}: mode constant, with a finite number, is supported")
    channels, height, width = channels_and_image(node, value.shape)
    rank = len(value.shape) + 1
    axes = tuple(range(rank)) if axes is None else tuple(axis % rank for axis in axes)
    if pads is None or len(pads) != 2 * len(axes) or len({*axes}) < len(axes):
        raise CompileError(f"{node.where}: its pads don't fit its axes")
    by_axis = dict.fromkeys(range(rank), (0, 0))
    by_axis |= {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    sides = [pad for both in by_axis.values() for pad in both]
    if any(sides[:4]) or not all(0 <= pad <= _MAX_PAD for pad in sides):
        raise CompileError(f"{node.where}: pads of 0 and more, of height and width, are supported")
    top, bottom, left, right = (*(0, 0) * (4 - rank), *sides[4:])
    shape = (channels, height + top + bottom, width + left + right)
    if math.prod(shape) > MAX_NUMBERS:
        raise CompileError(f"{node.where}: its output of {[*shape]} is too large")
    step = PadExpr(node.where, (top, left, bottom, right), exact(fill), shape)
    deferred = before_step(context, node, value)
    seen = signal_or_image(shape, value.shape)
    return replace(deferred, steps=(*deferred.steps, step), shape=seen)


@dataclass(frozen=True)
class PadExpr(PostStep):
    """A frame of the real number `value` around an image; `pads`: top, left, bottom, right."""

    where: str
    pads: tuple[int, int, int, int]
    value: Fraction
    shape: Shape

    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        format = builder.format(tensor)
        output = builder.add(name, self.shape, format)
        value: float = float(self.value)
        if format.type != "float32":
            held = [boundary.integer(self.value, format, scale) for scale in format.scales]
            value = boundary.alike(self.where, held)
        builder.nodes.append(Pad(self.where, tensor, output, self.pads, value))
        return output

    def clipped(self, limits: Limits) -> PadExpr:
        return replace(self, value=limits.clipped(self.value))

    @property
    def constants(self) -> tuple[Fraction, ...]:
        return (self.value,)


@dataclass(frozen=True)
class Pad(Move):
    """A frame of `value` around an image: an integer of the input's format, or a float32."""

    name: str
    input: str
    output: str
    pads: tuple[int, int, int, int]
    value: float

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)

    @property
    def constant(self) -> float:
        """The value of the frame."""
        return self.value

    def moved(self, graph: Graph, numbers: Tensors, constant: float) -> Values:
        return padded(numbers[self.input], self.pads, constant)

    def to_uint8(self, graph: Graph) -> Pad:
        return replace(self, value=self.value + graph.tensors[self.output].to_unsigned)

    def emit(self, step: Step) -> Code:
        value = real(self.value) if step.output.type == "float32" else str(self.value)
        return Code("", (pad_call(step.inputs[0], step.output.at, self.pads, value),), ("pad",))

    def describe(self) -> list[str]:
        return [f"pad {pads_words(self.pads)}"]
