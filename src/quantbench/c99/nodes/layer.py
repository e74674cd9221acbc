"""Code shared by convolutions and fully connected layers: weights, a bias, limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array, structure
from quantbench.c99.emit.describe import cuts_at_zero, limits_words
from quantbench.c99.emit.fragments import (
    Fields,
    Tables,
    applied_multipliers,
    call,
    common_fields,
    float_limits,
    needs_int16,
    rounding_kernels,
    shifts,
)
from quantbench.c99.ir.code import Code, Structure
from quantbench.c99.ir.graph import (
    LIMITS,
    Graph,
    OneInput,
    Reals,
    Requantization,
    Step,
    Tensor,
)
from quantbench.c99.ir.rounding import Range, by_channel, range_of, with_ties_marked
from quantbench.c99.ir.weights import PackedWeights
from quantbench.numerics.fixed_point import (
    Integers,
    Multiplier,
    accumulator_bounds,
    require_word,
)

L = TypeVar("L", bound="Layer")


class Layer(OneInput):
    """A layer that multiplies: acc = bias + sum x w, clamped to limits.

    A subclass may pool the accumulators; then they are requantized.
    """

    weights: NDArray[Any]
    """[O, ...]: int16 in [-255, 255] of integers, whose zero points are taken off; else float32."""
    bias: NDArray[Any]
    """[O]: int32, with the zero points of input and weights folded; else float32."""
    low: NDArray[Any] | None
    high: NDArray[Any] | None
    """[O], limits of acc (ReLU, Clip), in its type."""
    requantize: Requantization | None
    """The rounding; None: the output is the accumulators, int32 or float32."""

    @property
    def summed(self) -> int:
        """The number of accumulators that are summed before the sum is rounded once."""
        return 1

    @property
    def weight_type(self) -> str | None:
        if self.bias.dtype == np.float32:
            return None
        return "int16" if needs_int16(self.weights) else "int8"

    @property
    def suffix(self) -> str:
        """The suffix of its kernels' names: `_w16` where int8 doesn't hold the weights."""
        return "_w16" if self.weight_type == "int16" else ""

    @property
    def float_limits(self) -> tuple[float | None, float | None]:
        """The float32 limits, which all channels share; None: no limit."""
        low, high = (None if limit is None else float(limit[0]) for limit in (self.low, self.high))
        return low, high

    def activation_words(self) -> list[str]:
        """The activation in words, found in the limits or in the range of the output's integers."""
        if self.weight_type is None:
            return limits_words(*self.float_limits)
        if (self.low is not None and not self.low.any()) or cuts_at_zero(self.requantize):
            return ["ReLU"]
        return [] if self.low is None and self.high is None else ["clip"]

    def accumulators(self, values: Range) -> Iterator[tuple[Range, Multiplier]]:
        """Yield the range of the accumulators that each multiplier is applied to.

        `values`: the range of the inputs.
        """
        assert self.requantize is not None
        bias, weights = self.bias.astype(np.int64), self.weights.astype(np.int64)
        lowest, highest, _ = accumulator_bounds(bias, weights, values.low, values.high)
        if self.low is not None:
            lowest, highest = np.maximum(lowest, self.low), np.maximum(highest, self.low)
        if self.high is not None:
            lowest, highest = np.minimum(lowest, self.high), np.minimum(highest, self.high)
        factors = self.requantize.multipliers
        by_channel = factors if len(factors) > 1 else factors * len(bias)
        for first, last, factor in zip(lowest, highest, by_channel, strict=True):
            yield Range(int(first), int(last)).times(self.summed), factor


def ties_marked(layer: L, graph: Graph) -> L:
    """The layer with `ties` False where half up and half to even give the same integers."""
    if layer.requantize is None:
        return layer
    accumulators = layer.accumulators(range_of(graph.tensors[layer.input]))
    return with_requantization(layer, with_ties_marked(layer.requantize, accumulators))


def with_requantization(layer: L, requantize: Requantization) -> L:
    """The layer with another requantization."""
    return replace(layer, requantize=requantize)  # type: ignore[type-var]


def of_outputs(layer: L, begin: int, end: int) -> L:
    """The layer of these outputs alone: its weights, bias, limits and rounding."""
    low, high = (
        limit if limit is None or len(limit) < len(layer.bias) else limit[begin:end]
        for limit in (layer.low, layer.high)
    )
    requantize = layer.requantize.of(begin, end) if layer.requantize else None
    return replace(  # type: ignore[type-var]
        layer, weights=layer.weights[begin:end], bias=layer.bias[begin:end],
        low=low, high=high, requantize=requantize,
    )  # fmt: skip


def unsigned_bias(layer: Layer, into: int) -> NDArray[np.int32]:
    """The bias that absorbs the offset of inputs held `into` higher.

    Raises CompileError where the sums no longer fit 32 bits.
    """
    weights = layer.weights.astype(np.int64)
    bias = layer.bias.astype(np.int64) - into * weights.reshape(len(weights), -1).sum(axis=1)
    _, _, largest = accumulator_bounds(bias, weights, 0, 255)
    require_word(int(largest.max()) * layer.summed, layer.name)
    return np.asarray(bias, np.int32)


def bias_bound(layer: Layer, input: Tensor) -> Reals:
    """The bias's magnitude by channel, [O], without the zero points folded into it."""
    flat = layer.weights.reshape(len(layer.weights), -1).astype(np.float64)
    zero_points = zero_points_of_outputs(input, len(flat))
    return np.asarray(np.abs(layer.bias + zero_points * flat.sum(axis=1)), np.float64)


def zero_points_of_outputs(input: Tensor, outputs: int) -> Integers:
    """The zero point of what each output of a layer reads, [O].

    Those of an input that differ by channel are read by depthwise convolutions alone.
    """
    zero_points = input.zero_points
    return np.repeat(zero_points, outputs // len(zero_points))


def distances(values: Integers, input: Tensor) -> Reals:
    """The magnitude of each integer's distance from the zero point, [N, ...] as the values."""
    away = values - by_channel(input.zero_points, values.ndim)
    return np.asarray(np.abs(away), np.float64)


def dense_code(step: Step, layer: Layer, groups: int, positions: int, pool_max: int) -> Code:
    """The C of an integer layer as a fully connected one: its tables, structure and call.

    `positions`: how many positions of a convolution are pooled to one output. `pool_max`: 1 if by
    their maximum.
    """
    name, outputs, suffix, requantize = (
        step.identifier, len(layer.weights), layer.suffix, layer.requantize
    )  # fmt: skip
    multipliers = applied_multipliers(requantize) if requantize else np.zeros(0, np.int64)
    numbers: list[NDArray[np.integer]] = [layer.bias, multipliers]
    common = requantize.short.common if requantize else None
    fields: Fields = {
        "weights": f"{name}_weights",
        "numbers": f"{name}_numbers",
        "shift": f"{name}_shift" if requantize and not common else "NULL",
        "count": layer.weights.size // outputs,
        "outputs": outputs,
        "groups": groups,
        "group_out": outputs // groups,
        "places": positions,
        "pool_max": pool_max,
        "m_step": int(len(multipliers) > 1),
        "rounded": int(requantize is not None),
        **common_fields(requantize),
        "q_min": requantize.low if requantize else 0,
        "q_max": requantize.high if requantize else 0,
    }
    for side, limits, none in zip(
        ("low", "high"), (layer.low, layer.high), LIMITS["int32"], strict=True
    ):
        values = np.array([none]) if limits is None or limits.size == 0 else limits
        fields |= {side: int(values[0]), f"{side}_at": 0}
        if not (values == values[0]).all():
            fields[f"{side}_at"] = sum(table.size for table in numbers)
            numbers.append(values)
    tables = Tables(name)
    tables.add("numbers", "int32_t", np.concatenate(numbers))
    if requantize and not common:
        tables.add("shift", "uint8_t", shifts(requantize))
    weights = PackedWeights(f"{layer.weight_type}_t", f"{name}_weights", layer.weights, simd=False)
    return Code(
        tables.text,
        (call(step, f"dense{suffix}", "scratch", 0),),
        (*rounding_kernels(requantize), "requantize_common", f"dot{suffix}", f"dense{suffix}"),
        layer.weights.size * (2 if suffix else 1),
        tables.bytes,
        (Structure(f"dense{suffix}", name, fields),),
        arrays=(weights,),
    )


_LANES = 16
"""Output channels that are summed side by side, as model_together() of products.h has them."""


def float_code(
    step: Step, layer: Layer, kernel: str, kernels: tuple[str, ...], weights: NDArray[np.float32],
    fields: dict[str, int],
) -> Code:  # fmt: skip
    """The C of a float32 layer: its constants, structure and call.

    `weights` lie as `blocks` arranges them; `fields` are the structure's other numbers.
    """
    name = step.identifier
    constants = array("float", f"{name}_bias", layer.bias)
    head: Fields = {
        "weights": f"{name}_weights",
        "bias": f"{name}_bias",
        "clamp": float_limits(*layer.float_limits),
    }
    constants += structure(f"model_{kernel}_layer", name, {**head, **fields})
    calls = (call(step, kernel),)
    arrays = (PackedWeights("float", f"{name}_weights", weights, simd=False),)
    kernels = (*kernels, kernel)
    return Code(constants, calls, kernels, weights.nbytes, layer.bias.nbytes, arrays=arrays)


def blocks(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """PackedWeights [O, taps] rearranged in blocks of 16 outputs, each block [taps, outputs]."""
    firsts = range(0, len(weights), _LANES)
    return np.concatenate([weights[first : first + _LANES].T.ravel() for first in firsts])
