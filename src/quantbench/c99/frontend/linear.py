"""Layers that multiply by weights: their expression, and the graph nodes that it becomes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend import boundary
from quantbench.c99.frontend.builder import (
    COST,
    Builder,
    Deferred,
    Expr,
    IdentityExpr,
    TensorRef,
)
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.fitting import Affine, Span, fitted, moved
from quantbench.c99.frontend.formats import FREE, Format, Limits
from quantbench.c99.frontend.mixing import Reach
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Factors, Value, Weights
from quantbench.c99.frontend.wide import RealLayer
from quantbench.c99.ir.graph import (
    LIMITS,
    Pooling,
    Requantization,
    Shape,
    Tensor,
    Window,
)
from quantbench.c99.ir.rounding import clamped
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.layer import zero_points_of_outputs
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import (
    WORD,
    Multiplier,
    accumulator_bounds,
    exact,
    folded_bias,
    multiplier,
    require_word,
)


@dataclass(frozen=True, eq=False)
class LinearExpr(Expr):
    """A convolution, or a fully connected layer (no window): scale * (bias + sum q w')."""

    where: str
    input: str
    weights: Factors
    """[O, I / groups, kh, kw] or [O, I]."""
    scale: tuple[Fraction, ...]
    """[O], positive."""
    bias: tuple[Fraction, ...]
    """[O], in units of the accumulator."""
    shape: Shape
    window: Window | None = None
    groups: int = 1
    limits: Limits = FREE
    """The limits that are applied before the pooling."""
    pooling: Pooling | None = None
    wide: bool = False
    """Whether its input is of 32 bits, and its weights real numbers."""
    takes_activation: ClassVar[bool] = True

    @property
    def averaged(self) -> int:
        """The number of accumulators that are summed before the sum is rounded once."""
        average = self.pooling is not None and self.pooling.kind == "average"
        return math.prod(self.pooling.window.kernel) if self.pooling and average else 1

    def reach(self, builder: Builder) -> Reach | None:
        return self._real(builder).reach(builder.reach(self.input)) if self.wide else None

    def _real(self, builder: Builder) -> RealLayer:
        """The layer in real numbers, where its weights are."""
        scale = np.array([float(step) for step in self.scale])
        units = scale / float(builder.scales(self.input)[0])
        bias = np.array([float(b * s) for b, s in zip(self.bias, self.scale, strict=True)])
        weights = self.weights.astype(np.float64) * units.reshape(
            -1, *[1] * (self.weights.ndim - 1)
        )
        return RealLayer(self.where, weights, bias, self.window, self.groups)

    def _wide(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        """Add the node of a layer whose weights are real numbers."""
        given = builder.tensors[self.input], builder.reach(self.input)
        output = builder.add(name, self.shape, format)
        ends = boundary.integers(self.where, limits, format)
        builder.nodes.append(self._real(builder).node(given, output, format, ends))
        return output

    def sums(self, builder: Builder, name: str, limits: Limits) -> str:
        if self.wide:
            return self.as_words(builder, name, limits)
        core, limits = _commuting(self, limits)
        core, shift = _fitted(core, builder, None)
        if core.averaged == 1:
            core, limits = replace(core, limits=limits), FREE
        if limits != FREE:
            raise CompileError(
                f"{core.where}: its output isn't quantized, as an activation behind an average "
                "needs it"
            )
        scale = tuple(float(step / core.averaged) for step in core.scale)
        output = builder.keep(Tensor(name, core.shape, "int32", one_if_alike(core.where, scale)))
        builder.moved[output] = shift
        node = _integers(core, builder.tensors[core.input], output, None)
        builder.nodes.append(node)
        builder.reaches[output] = _reach(core, node, builder.tensors[core.input])
        return output

    def as_words(self, builder: Builder, name: str, limits: Limits) -> str:
        if self.wide:
            held = super().as_words(builder, name, limits)
            assert held is not None
            return held
        builder.spend(self.weights.size + COST * len(self.weights))
        return self.sums(builder, name, limits)

    def lower(self, builder: Builder, name: str, limits: Limits, format: Format) -> str:
        builder.spend(self.weights.size + COST * len(self.weights))
        core, limits = _commuting(self, limits)
        if format.type == "float32":
            return _float32(core, builder, name, limits, format)
        if core.wide:
            return core._wide(builder, name, limits, format)
        core, shift = _fitted(core, builder, boundary.spans(format, len(core.scale)))
        alike = len({*boundary.ends(limits, format)}) == 1
        if core.averaged == 1 and not alike:
            core, limits = replace(core, limits=limits), FREE
        factors = _multipliers(core, [exact(scale) for scale in format.scales])
        ends = boundary.integers(core.where, limits, format)
        requantize = Requantization(factors, format.zero_point, *ends)
        output = builder.add(name, core.shape, format)
        builder.moved[output] = shift
        builder.nodes.append(_integers(core, builder.tensors[core.input], output, requantize))
        return output


def accumulators(builder: Builder, name: str, deferred: Deferred) -> TensorRef:
    """The int32 accumulators of the last layer, which nothing rounds, as the network's output.

    Raises CompileError where the value is anything else.
    """
    output = None
    if all(step.keeps_channels is False for step in deferred.steps):
        output = deferred.core.sums(builder, name, deferred.limits)
    if output is None:
        raise CompileError(
            f"{deferred.core.where}: its output isn't quantized; only that of a last Conv, "
            "Gemm, MatMul or average may be left so"
        )
    for step in deferred.steps:
        coarser = builder.moved.get(output, ())
        output = step.lower(builder, name, output)
        builder.moved[output] = coarser and (max(coarser),)
    builder.originates(output, name, deferred.shape, deferred.slack)
    return TensorRef(output, deferred.shape)


def one_if_alike(where: str, scale: tuple[float, ...]) -> tuple[float, ...]:
    """The scales of accumulators, one where all are equal. Raises CompileError beyond float32."""
    if not all(1e-38 < step < 1e38 for step in scale):
        raise CompileError(f"{where}: the scale of its output is no float32")
    return scale[:1] if len({*scale}) == 1 else scale


def dense(context: Context, node: OnnxNode, *, transposed: bool, alpha: Fraction) -> LinearExpr:
    """A fully connected layer without a bias, scaled by `alpha`.

    `transposed`: the weights are stored as [O, I], else as [I, O]. Raises CompileError.
    """
    ref = context.layer_input(node)
    weights = context.weights(node, 1, rank=2, axis=0 if transposed else 1, input=ref)
    values = weights.values if transposed else weights.values.T
    if ref.shape != values.shape[1:]:
        raise CompileError(
            f"{node.where}: its input is {[*ref.shape]}, its weights {[*values.shape]}"
        )
    tensor = context.builder.seen(ref)
    scale = output_scales(context, node, tensor, weights, len(values), depthwise=False)
    return LinearExpr(
        where=node.where,
        input=tensor,
        weights=np.ascontiguousarray(values if alpha > 0 else -values),
        scale=tuple(abs(alpha) * step for step in scale),
        bias=(Fraction(0),) * len(values),
        shape=(len(values),),
        wide=context.is_wide(tensor),
    )


def output_scales(
    context: Context, node: OnnxNode, tensor: str, weights: Weights, outputs: int, *,
    depthwise: bool,
) -> tuple[Fraction, ...]:  # fmt: skip
    """The real number that one unit of the accumulator stands for, for each output channel."""
    context.builder.spend(outputs * COST)
    inputs = context.builder.scales(tensor)
    if len(inputs) > 1 and not depthwise:
        raise CompileError(
            f"{node.where}: its input has a scale for each channel, which is supported before a "
            "depthwise Conv"
        )
    per_input = outputs // len(inputs)  # outputs of one input channel
    factors = np.broadcast_to(weights.scale, outputs).tolist()
    return tuple(
        inputs[channel // per_input] * exact(factor) for channel, factor in enumerate(factors)
    )


def still_linear(value: Value | None) -> LinearExpr | None:
    """The layer behind `value` if a bias or scale can still be folded into it, else None."""
    if not isinstance(value, Deferred) or not isinstance(value.core, LinearExpr):
        return None
    core = value.core
    return core if value.plain and value.limits == FREE and core.pooling is None else None


def poolable(value: Value | None) -> LinearExpr | None:
    """The layer behind `value` if a pooling can be fused into it, else None."""
    if not isinstance(value, Deferred) or not isinstance(value.core, LinearExpr):
        return None
    if not value.plain or value.core.pooling is not None or len(value.shape) == 1:
        return None
    return None if value.core.wide else value.core


def _commuting(core: LinearExpr, limits: Limits) -> tuple[LinearExpr, Limits]:
    """The limits of the sums moved to the result, where no average lies between the two.

    Rounding keeps order, so there they are the same limits.
    """
    if core.averaged > 1:
        return core, limits
    return replace(core, limits=FREE), core.limits.then(limits)


def _fitted(
    core: LinearExpr, builder: Builder, spans: tuple[Span, ...] | None
) -> tuple[LinearExpr, tuple[float, ...]]:
    """The layer with channels that fit 32 bits, and how far that may move real results."""
    fine = Affine(core.weights, core.scale, core.bias)
    coarse = fitted(fine, builder.tensors[core.input], core.averaged, spans)
    fit = replace(core, weights=coarse.weights, scale=coarse.scale, bias=coarse.bias)
    return fit, moved(fine, coarse, spans)


def _multipliers(core: LinearExpr, steps: Sequence[Fraction]) -> tuple[Multiplier, ...]:
    """The multipliers from accumulators to an output: one by channel, or one if all are equal.

    `steps`: the output's scales, one or one for each channel.
    """
    by_channel = steps if len(steps) > 1 else (*steps,) * len(core.scale)
    factors = [
        scale / (core.averaged * step) for scale, step in zip(core.scale, by_channel, strict=True)
    ]
    distinct = factors[:1] if len({*factors}) == 1 else factors
    return tuple(multiplier(factor, core.where) for factor in distinct)


def _integers(
    core: LinearExpr, input: Tensor, output: str, requantize: Requantization | None
) -> Conv | Dense:
    """The node of integers. Raises CompileError where a sum may leave 32 bits."""
    require_word(max(abs(round(bias)) for bias in core.bias), core.where)
    weights = np.asarray(core.weights, np.int16)
    exact_weights = weights.astype(np.int64)
    zero_points = zero_points_of_outputs(input, len(weights)).tolist()
    folded = folded_bias(list(core.bias), exact_weights, zero_points)
    require_word(max(abs(start) for start in folded), core.where)
    bias = np.array(folded, np.int64)
    lowest, highest, largest = accumulator_bounds(bias, exact_weights, *LIMITS[input.type])
    require_word(int(largest.max()) * core.averaged, core.where)
    low, high = (
        None if limit is None else _in_steps(limit, core.scale)
        for limit in (core.limits.low, core.limits.high)
    )
    low = None if low is None or (lowest >= low).all() else low
    high = None if high is None or (highest <= high).all() else high
    short = bias.astype(np.int32)
    return _node(core, output, weights, short, input.zero_point, (low, high), requantize)


def _reach(core: LinearExpr, node: Conv | Dense, input: Tensor) -> Reach:
    """The real numbers that clamped sums, or averages of them, can be."""
    bias, weights = node.bias.astype(np.int64), node.weights.astype(np.int64)
    least, most, _ = accumulator_bounds(bias, weights, *LIMITS[input.type])
    scales = np.array([float(step) for step in core.scale])
    ends = [clamped(sums[None], node.low, node.high)[0] * scales for sums in (least, most)]
    return float(ends[0].min()), float(ends[1].max())


def _in_steps(limit: Fraction, scales: tuple[Fraction, ...]) -> NDArray[np.int32]:
    """The limit in accumulator units [O], clamped to int32."""
    steps = [min(max(round(limit / scale), -WORD), WORD - 1) for scale in scales]
    return np.array(steps, np.int32)


def _float32(core: LinearExpr, builder: Builder, name: str, limits: Limits, format: Format) -> str:
    """Add the float32 node; returns the name of its tensor, within `limits`."""
    if core.averaged == 1:  # then the limits of the sums are the only ones
        core, limits = replace(core, limits=limits), FREE
    weights, bias = _folded(core)
    low, high = (
        None if limit is None else np.full(len(bias), limit, np.float32)
        for limit in core.limits.floats
    )
    output = builder.add(name, core.shape, format)
    builder.nodes.append(_node(core, output, weights, bias, 0, (low, high), None))
    return IdentityExpr(core.where, output, core.shape).lower(builder, name, limits, format)


def _folded(core: LinearExpr) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias times the scale of each channel, rounded to float32 once."""
    scale = np.array([float(step) for step in core.scale])
    weights = core.weights * scale.reshape(-1, *[1] * (core.weights.ndim - 1))
    bias = np.array([_float(b * s) for b, s in zip(core.bias, core.scale, strict=True)])
    with np.errstate(over="ignore"):
        folded = weights.astype(np.float32), bias.astype(np.float32)
    if not all(np.isfinite(numbers).all() for numbers in folded):
        raise CompileError(f"{core.where}: folded, its weights or bias are beyond float32")
    return folded


def _float(number: Fraction) -> float:
    """The number as float64, or infinity beyond its range."""
    try:
        return float(number)
    except OverflowError:
        return np.inf


Bounds = tuple[NDArray[np.generic] | None, NDArray[np.generic] | None]


def _node(
    core: LinearExpr, output: str, weights: NDArray[np.generic], bias: NDArray[np.generic],
    padding: int, limits: Bounds, requantize: Requantization | None,
) -> Conv | Dense:  # fmt: skip
    if core.window is None:
        return Dense(core.where, core.input, output, weights, bias, *limits, requantize)
    return Conv(
        name=core.where,
        input=core.input,
        output=output,
        weights=weights,
        bias=bias,
        window=core.window,
        groups=core.groups,
        padding=padding,
        low=limits[0],
        high=limits[1],
        pooling=core.pooling,
        requantize=requantize,
    )
