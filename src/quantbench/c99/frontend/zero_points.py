"""Tensors of which each channel has a zero point of its own, and what reads them.

Depthwise convolutions read the integers as they are; all else reads q - Z in 32 bits, which is
exact. docs/arithmetic.md, "Zero points by channel".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from quantbench.c99.frontend.builder import Builder, Deferred, Expr, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.mixing import Reach
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value, Weights
from quantbench.c99.ir.graph import Shape, image_shape
from quantbench.c99.nodes.frame import Frame
from quantbench.errors import CompileError


@dataclass(frozen=True)
class CentredExpr(Expr):
    """The real numbers of a tensor of 8 bits with a zero point for each channel."""

    where: str
    input: str
    shape: Shape

    def takes_zero_points(self, limits: Limits) -> bool:
        return limits == FREE

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        return builder.mixed(self.where, (self.input,), name, limits, format)

    def reach(self, builder: Builder) -> Reach:
        return builder.reach(self.input)

    def sums(self, builder: Builder, name: str, limits: Limits) -> str | None:
        return self.as_words(builder, name, limits) if limits == FREE else None

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str | None:
        if limits != FREE:
            return super().as_words(builder, name, limits)
        centred = replace(builder.format(self.input), type="int32", zero_point=0, raised=())
        tensor = self.lower(builder, name, limits, centred)
        builder.reaches[tensor] = self.reach(builder)
        return tensor


def placed(builder: Builder, name: str, deferred: Deferred, format: Format) -> TensorRef:
    """Add the nodes of a value that is rounded to zero points by channel; returns its tensor.

    Raises CompileError where the value has no form of 32 bits from which it is rounded.
    """
    core, limits = deferred.core, deferred.limits
    if deferred.steps or not core.takes_zero_points(limits):
        words = builder.widened(f"before {name}", deferred)
        if words is None:
            raise CompileError(
                f"{core.where}: its output is quantized with a zero point for each channel, which "
                "isn't supported behind it"
            )
        shape = builder.tensors[words.tensor].shape
        core, limits = IdentityExpr(core.where, words.tensor, shape), FREE
    return TensorRef(core.lower(builder, name, limits, format), deferred.shape)


def dequantized(builder: Builder, where: str, ref: TensorRef) -> TensorRef | Deferred:
    """The real numbers of a tensor of integers, behind a DequantizeLinear."""
    tensor = builder.tensors[ref.tensor]
    if not tensor.raised:
        return ref
    return Deferred(CentredExpr(where, ref.tensor, tensor.shape), ref.shape)


def depthwise_input(context: Context, node: OnnxNode) -> TensorRef | None:
    """The tensor with a zero point for each channel that a depthwise Conv reads as it is, or None.

    Every other Conv, and one whose weights aren't integers, reads what `dequantized` gives.
    """
    value, weights = context.value(node, 0), context.value(node, 1)
    return (
        _raw(value) if isinstance(weights, Weights) and weights.values.shape[1:2] == (1,) else None
    )


def _raw(value: Value | None) -> TensorRef | None:
    if not isinstance(value, Deferred) or not isinstance(value.core, CentredExpr):
        return None
    whole = value.plain and value.limits == FREE
    return TensorRef(value.core.input, value.shape) if whole else None


def framed(builder: Builder, where: str, tensor: str, pads: tuple[int, int, int, int]) -> str:
    """The image with pads of each channel's zero point: a tensor of its own."""
    record = builder.tensors[tensor]
    channels, height, width = image_shape(record.shape)
    top, left, bottom, right = pads
    shape = (channels, height + top + bottom, width + left + right)
    output = builder.keep(replace(record, name=f"{tensor} with pads", shape=shape))
    builder.moved[output] = builder.moved.get(tensor, ())
    builder.nodes.append(Frame(where, tensor, output, pads, record.zero_points))
    return output
