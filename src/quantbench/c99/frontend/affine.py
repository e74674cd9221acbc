"""Another factor and another constant for each channel, as part of a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend.builder import COST, Builder, Deferred, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import FREE
from quantbench.c99.frontend.linear import LinearExpr, still_linear
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.ir.graph import Reals, Shape, Window
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

_UNITS = 64
"""Accumulators of a layer without weights of its own count this part of the input's step, so that
the rounding of its bias is that much finer; a power of two keeps ties exact."""


def affine(
    context: Context,
    node: OnnxNode,
    at: int,
    factors: Sequence[Fraction],
    constants: Sequence[Fraction],
) -> Deferred:
    """Input number `at` of the node, times a factor and plus a constant of each channel.

    They are folded into the layer before it; where there is none they are a depthwise convolution
    of 1x1.
    """
    value = context.activation(node, at)
    if isinstance(value, Deferred) and value.core.joined and value.plain and value.limits == FREE:
        begin, parts = 0, []
        for part in value.core.joined:
            own = slice(begin, begin + part.shape[0])
            parts.append(affine_of(context, node, part, factors[own], constants[own]))
            begin += part.shape[0]
        return Deferred(value.core.joining(tuple(parts)), value.shape)
    if still_linear(value) is None:
        value = context.settled(node, at)
    return affine_of(context, node, value, factors, constants)


def affine_of(
    context: Context,
    node: OnnxNode,
    value: TensorRef | Deferred,
    factors: Sequence[Fraction],
    constants: Sequence[Fraction],
) -> Deferred:
    """The same of a value: a layer into which it is folded, or a tensor."""
    core = still_linear(value)
    if core is None:
        ref = context.builder.settled(value)
        if ref is None:
            raise CompileError(
                f"{node.where}: a part of its input isn't quantized; int8 and uint8 between "
                "QuantizeLinear and DequantizeLinear are supported"
            )
        core = _by_itself(context, node, ref)
    scale = tuple(
        _short(abs(f) * s, node) if f else s for f, s in zip(factors, core.scale, strict=True)
    )
    # The bias in real numbers, then in units of the new accumulator.
    columns = zip(core.bias, core.scale, factors, constants, scale, strict=True)
    bias = tuple(_short((b * s * f + t) / new, node) for b, s, f, t, new in columns)
    # Where the factor is negative, the weights change their sign instead of the scale.
    signs = np.array([(f > 0) - (f < 0) for f in factors], np.int16)
    weights = core.weights * signs.reshape(-1, *[1] * (core.weights.ndim - 1))
    context.builder.spend(weights.size)
    return Deferred(replace(core, weights=weights, scale=scale, bias=bias), value.shape)


def _by_itself(context: Context, node: OnnxNode, ref: TensorRef) -> LinearExpr:
    """A tensor as a depthwise convolution that leaves it as it is."""
    tensor = context.builder.seen(TensorRef(ref.tensor, as_image(ref.shape)))
    return depthwise(context.builder, node.where, tensor)


def depthwise(
    builder: Builder, where: str, tensor: str, factors: Reals | None = None
) -> LinearExpr:
    """An image times a factor of each channel, 1 unless given, as a depthwise convolution.

    Factors are for float32 alone.
    """
    shape = builder.tensors[tensor].shape
    channels = shape[0]
    builder.spend(COST * channels)
    floats = builder.tensors[tensor].type == "float32"
    units, dtype = (1, np.float32) if floats else (_UNITS, np.int16)
    steps = builder.scales(tensor)
    weights = np.full(channels, units) if factors is None else factors
    return LinearExpr(
        where=where,
        input=tensor,
        weights=weights.reshape(channels, 1, 1, 1).astype(dtype),
        scale=tuple(step / units for step in (steps if len(steps) > 1 else steps * channels)),
        bias=(Fraction(0),) * channels,
        shape=shape,
        window=Window((1, 1)),
        groups=channels,
    )


def as_image(shape: Shape) -> Shape:
    """A vector [K] as an image of one pixel, [K, 1, 1]; other shapes stay."""
    return (shape[0], 1, 1) if len(shape) == 1 else shape


def _short(real: Fraction, node: OnnxNode) -> Fraction:
    """The number rounded to 53 bits, like a square root: none grows from folding to folding."""
    if real and not Fraction(2) ** -900 < abs(real) < Fraction(2) ** 900:
        raise CompileError(f"{node.where}: folded, it gives a number that is no float")
    return exact(float(real))
