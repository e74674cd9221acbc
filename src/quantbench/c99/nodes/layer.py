"""What convolutions and fully connected layers have in common: weights, a bias, limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Graph, OneInput, Reals, Requantization, Tensor
from quantbench.c99.ir.rounding import Range, range_of, with_ties_marked
from quantbench.numerics.fixed_point import (
    Integers,
    Multiplier,
    accumulator_bounds,
    require_word,
)

L = TypeVar("L", bound="Layer")


class Layer(OneInput):
    """acc = bias + sum x w, within limits; then what the subclass adds, then requantization."""

    weights: NDArray[Any]
    """[O, ...]: int16 in [-255, 255] of integers, whose zero points are taken off; else float32."""
    bias: NDArray[Any]
    """[O]: int32, with the zero points of input and weights folded; else float32."""
    low: NDArray[Any] | None
    high: NDArray[Any] | None
    """[O], limits of acc (ReLU, Clip), in its type."""
    requantize: Requantization | None
    """None: the output is the accumulators, int32 or float32."""

    @property
    def summed(self) -> int:
        """How many accumulators are summed before the sum is rounded once."""
        return 1

    def accumulators(self, values: Range) -> Iterator[tuple[Range, Multiplier]]:
        """Bounds of what meets each multiplier, for inputs in `values`."""
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
    """The layer with `ties` False where half up gives the same integers."""
    if layer.requantize is None:
        return layer
    accumulators = layer.accumulators(range_of(graph.tensors[layer.input]))
    return with_requantization(layer, with_ties_marked(layer.requantize, accumulators))


def with_requantization(layer: L, requantize: Requantization) -> L:
    return replace(layer, requantize=requantize)  # type: ignore[type-var]


def unsigned_bias(layer: Layer, into: int) -> NDArray[np.int32]:
    """The bias where inputs are held `into` higher: it absorbs the offset.

    Raises CompileError where the sums leave 32 bits by it.
    """
    weights = layer.weights.astype(np.int64)
    bias = layer.bias.astype(np.int64) - into * weights.reshape(len(weights), -1).sum(axis=1)
    _, _, largest = accumulator_bounds(bias, weights, 0, 255)
    require_word(int(largest.max()) * layer.summed, layer.name)
    return np.asarray(bias, np.int32)


def bias_bound(layer: Layer, input: Tensor) -> Reals:
    """[O], an upper bound of the bias without the zero points that were folded into it."""
    flat = layer.weights.reshape(len(layer.weights), -1).astype(np.float64)
    return np.asarray(np.abs(layer.bias + input.zero_point * flat.sum(axis=1)), np.float64)


def distances(values: Integers, input: Tensor) -> Reals:
    """How far integers are from the one that stands for 0."""
    return np.abs(values - input.zero_point).astype(np.float64)
