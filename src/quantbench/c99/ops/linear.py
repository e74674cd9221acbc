"""Operators that multiply by weights, and what is folded into them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend import windows
from quantbench.c99.frontend.builder import COST
from quantbench.c99.frontend.context import State
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import (
    FREE,
    Constant,
    Pending,
    Sums,
    Total,
    Value,
    Weights,
    Words,
)
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact


def conv(state: State, node: OnnxNode) -> Value:
    tensor, (channels, *image) = state.image(node, 0)
    size = (image[0], image[1])
    weights = state.weights(node, 1, rank=4, axis=0)
    outputs, inputs, *kernel = weights.values.shape
    groups = node.whole("group", 1)
    if groups < 1 or outputs % groups or inputs * groups != channels:
        raise CompileError(
            f"{node.where}: its weights {weights.values.shape} in {groups} groups don't fit its "
            f"{channels} channels"
        )
    if (node.wholes("kernel_shape") or tuple(kernel)) != tuple(kernel):
        raise CompileError(f"{node.where}: its kernel_shape isn't that of its weights")
    window = windows.window(node, tuple(kernel), size)
    scale = _scales(state, node, tensor, weights, outputs, depthwise=inputs == 1)
    shape = (outputs, *windows.places(node, window, size))
    core = Sums(
        where=node.where,
        input=tensor,
        weights=weights.values,
        scale=scale,
        bias=state.addends(node, 2, scale, shape),
        shape=shape,
        window=window,
        groups=groups,
    )
    return Pending(core, shape)


def gemm(state: State, node: OnnxNode) -> Value:
    alpha, beta = (_factor(node, name) for name in ("alpha", "beta"))
    if node.whole("transA", 0) or alpha == 0:
        raise CompileError(f"{node.where}: transA 0 and an alpha other than 0 are supported")
    core = _dense(state, node, transposed=bool(node.whole("transB", 0)), alpha=alpha)
    bias = state.addends(node, 2, core.scale, core.shape)
    return Pending(replace(core, bias=tuple(beta * one for one in bias)), core.shape)


def matmul(state: State, node: OnnxNode) -> Value:
    core = _dense(state, node, transposed=False, alpha=Fraction(1))
    return Pending(core, core.shape)


def add(state: State, node: OnnxNode) -> Value:
    """Of two activations; of a layer and a constant, which is a bias."""
    constant = next(
        (i for i in (0, 1) if isinstance(state.value(node, i), Constant | Weights | Words)), -1
    )
    if constant >= 0:
        value = state.activation(node, 1 - constant)
        core = _open(value)
        if core is None:
            raise CompileError(
                f"{node.where}: a constant is supported as the bias right behind Conv, Gemm or "
                "MatMul only"
            )
        more = state.addends(node, constant, core.scale, core.shape)
        bias = tuple(a + b for a, b in zip(core.bias, more, strict=True))
        return Pending(replace(core, bias=bias), core.shape)
    one, other = state.settled(node, 0), state.settled(node, 1)
    if one.shape != other.shape:
        raise CompileError(
            f"{node.where}: its inputs are {[*one.shape]} and {[*other.shape]}; equal shapes are "
            "supported"
        )
    tensors = (state.builder.seen(one), state.builder.seen(other))
    return Pending(Total(node.where, tensors, one.shape), one.shape)


def batch_normalization(state: State, node: OnnxNode) -> Value:
    core = _open(state.activation(node, 0))
    if core is None or node.whole("training_mode", 0):
        raise CompileError(
            f"{node.where}: it is supported right behind Conv, Gemm or MatMul, where it is folded"
        )
    factor, shift, mean, variance = (_vector(state, node, at, core.shape[0]) for at in range(1, 5))
    epsilon = node.real("epsilon", 1e-5)
    spread = [float(one) + epsilon for one in variance]
    if not all(0 < one < math.inf for one in spread):
        raise CompileError(f"{node.where}: its variance isn't positive")
    by = [g / exact(math.sqrt(one)) for g, one in zip(factor, spread, strict=True)]
    scale = tuple(_short(abs(f) * s, node) if f else s for f, s in zip(by, core.scale, strict=True))
    # What the bias comes to in real numbers, in units of the new accumulator.
    bias = tuple(
        _short(((b * s - m) * f + t) / new, node)
        for b, s, m, f, t, new in zip(core.bias, core.scale, mean, by, shift, scale, strict=True)
    )
    # Where the factor is negative, the weights change their sign instead of the scale.
    signs = np.array([(f > 0) - (f < 0) for f in by], np.int16)
    weights = core.weights * signs.reshape(-1, *[1] * (core.weights.ndim - 1))
    state.builder.spend(weights.size)
    return Pending(replace(core, weights=weights, scale=scale, bias=bias), core.shape)


def _dense(state: State, node: OnnxNode, *, transposed: bool, alpha: Fraction) -> Sums:
    """`transposed`: the weights are [O, I], as they are wanted."""
    real = state.settled(node, 0)
    weights = state.weights(node, 1, rank=2, axis=0 if transposed else 1)
    values = weights.values if transposed else weights.values.T
    if real.shape != values.shape[1:]:
        raise CompileError(
            f"{node.where}: its input is {[*real.shape]}, its weights {[*values.shape]}"
        )
    tensor = state.builder.seen(real)
    scale = _scales(state, node, tensor, weights, len(values), depthwise=False)
    return Sums(
        where=node.where,
        input=tensor,
        weights=np.ascontiguousarray(values if alpha > 0 else -values),
        scale=tuple(abs(alpha) * one for one in scale),
        bias=(Fraction(0),) * len(values),
        shape=(len(values),),
    )


def _open(value: Value) -> Sums | None:
    """A layer that is still linear."""
    if not isinstance(value, Pending) or not isinstance(value.core, Sums):
        return None
    core = value.core
    return core if value.plain and value.limits == FREE and core.pooling is None else None


def _scales(
    state: State, node: OnnxNode, tensor: str, weights: Weights, outputs: int, *, depthwise: bool
) -> tuple[Fraction, ...]:
    """Of the sums of each output channel."""
    state.builder.spend(outputs * COST)
    inputs = state.builder.scales(tensor)
    if len(inputs) > 1 and not depthwise:
        raise CompileError(
            f"{node.where}: its input has a scale for each channel, which is supported before a "
            "depthwise Conv"
        )
    each = outputs // len(inputs)  # outputs of one input channel
    factors = np.broadcast_to(weights.scale, outputs).tolist()
    return tuple(inputs[at // each] * exact(one) for at, one in enumerate(factors))


def _short(real: Fraction, node: OnnxNode) -> Fraction:
    """To 53 bits, as the square root is: numbers don't grow from one folding to the next."""
    if real and not Fraction(2) ** -900 < abs(real) < Fraction(2) ** 900:
        raise CompileError(f"{node.where}: folded, it gives a number that is no float")
    return exact(float(real))


def _factor(node: OnnxNode, name: str) -> Fraction:
    value = node.real(name, 1.0)
    if not math.isfinite(value):
        raise CompileError(f"{node.where}: its {name} isn't finite")
    return exact(value)


def _vector(state: State, node: OnnxNode, at: int, size: int) -> list[Fraction]:
    found = state.constant(node, at)
    if found is None or found.dtype != np.float32 or found.shape != (size,):
        raise CompileError(f"{node.where}: its input {at + 1} is supported as float32 [{size}]")
    if not np.isfinite(found).all():
        raise CompileError(f"{node.where}: its input {at + 1} isn't finite")
    return [exact(one) for one in found.tolist()]
