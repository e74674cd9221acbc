"""BatchNormalization: folded into the layer right before it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.linear import still_linear
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "BatchNormalization"
INPUTS = (5, 5)
ATTRIBUTES = frozenset({"epsilon", "momentum", "training_mode"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    core = still_linear(context.activation(node, 0))
    if core is None or node.whole("training_mode", 0):
        raise CompileError(
            f"{node.where}: it is supported right behind Conv, Gemm or MatMul, where it is folded"
        )
    gain, shift, mean, variance = (_vector(context, node, at, core.shape[0]) for at in range(1, 5))
    epsilon = node.real("epsilon", 1e-5)
    spread = [float(number) + epsilon for number in variance]
    if not all(0 < number < math.inf for number in spread):
        raise CompileError(f"{node.where}: its variance isn't positive")
    factors = [g / exact(math.sqrt(number)) for g, number in zip(gain, spread, strict=True)]
    scale = tuple(
        _short(abs(f) * s, node) if f else s for f, s in zip(factors, core.scale, strict=True)
    )
    # The bias in real numbers, then in units of the new accumulator.
    columns = zip(core.bias, core.scale, mean, factors, shift, scale, strict=True)
    bias = tuple(_short(((b * s - m) * f + t) / new, node) for b, s, m, f, t, new in columns)
    # Where the factor is negative, the weights change their sign instead of the scale.
    signs = np.array([(f > 0) - (f < 0) for f in factors], np.int16)
    weights = core.weights * signs.reshape(-1, *[1] * (core.weights.ndim - 1))
    context.builder.spend(weights.size)
    return Deferred(replace(core, weights=weights, scale=scale, bias=bias), core.shape)


def _short(real: Fraction, node: OnnxNode) -> Fraction:
    """The number rounded to 53 bits, like the square root: none grows from folding to folding."""
    if real and not Fraction(2) ** -900 < abs(real) < Fraction(2) ** 900:
        raise CompileError(f"{node.where}: folded, it gives a number that is no float")
    return exact(float(real))


def _vector(context: Context, node: OnnxNode, at: int, size: int) -> list[Fraction]:
    values = context.constant(node, at)
    if values is None or values.dtype != np.float32 or values.shape != (size,):
        raise CompileError(f"{node.where}: its input {at + 1} is supported as float32 [{size}]")
    if not np.isfinite(values).all():
        raise CompileError(f"{node.where}: its input {at + 1} isn't finite")
    return [exact(number) for number in values.tolist()]
