"""Requantization in NumPy, from accumulators to 8-bit integers: the rules of docs/arithmetic.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import LIMITS, Requantization, Tensor, Values
from quantbench.numerics.fixed_point import Integers, Multiplier, rescaled


def requantized(acc: Values, requantize: Requantization | None) -> Values:
    """The output's integers for accumulators [N, O, ...]; `acc` itself where nothing rounds it."""
    if requantize is None:
        return acc
    m = by_channel(np.array([factor.m for factor in requantize.multipliers], np.int64), acc.ndim)
    s = by_channel(np.array([factor.s for factor in requantize.multipliers], np.int64), acc.ndim)
    return placed(rescaled(acc, m, s), requantize)


def placed(rounded: Integers, requantize: Requantization) -> Integers:
    """Rounded accumulators plus the zero point, clamped to the output's range."""
    return within(rounded + requantize.zero_point, requantize.low, requantize.high)


def within(values: Integers, low: int, high: int) -> Integers:
    """The integers clamped to [low, high], as int64."""
    return np.asarray(np.clip(values, low, high), np.int64)


def clamped(acc: Values, low: NDArray[Any] | None, high: NDArray[Any] | None) -> Values:
    """Accumulators [N, O, ...] clamped to limits [O]; None: no limit."""
    if low is not None:
        acc = np.maximum(acc, by_channel(low, acc.ndim))
    return acc if high is None else np.minimum(acc, by_channel(high, acc.ndim))


def by_channel(values: NDArray[Any], dimensions: int) -> NDArray[Any]:
    """Values [O], reshaped to broadcast over [N, O, ...] of so many dimensions."""
    return values.reshape(-1, *[1] * (dimensions - 2))


@dataclass(frozen=True)
class Range:
    """All integers from low to high."""

    low: int
    high: int

    def times(self, factor: int) -> Range:
        """The range of a sum of `factor` integers of this one."""
        return Range(self.low * factor, self.high * factor)


def range_of(tensor: Tensor) -> Range:
    """All integers of the tensor's type."""
    return Range(*LIMITS[tensor.type])


def with_ties_marked(
    requantize: Requantization, accumulators: Iterator[tuple[Range, Multiplier]]
) -> Requantization:
    """Set `ties` to False if half up and half to even give the same integers.

    `accumulators`: the range of the accumulators that each multiplier is applied to.
    """
    result = Range(requantize.low - requantize.zero_point, requantize.high - requantize.zero_point)
    ties = any(ties_differ(acc, factor, result) for acc, factor in accumulators)
    return replace(requantize, ties=ties)


def ties_differ(acc: Range, factor: Multiplier, result: Range) -> bool:
    """Whether half up and half to even differ for any accumulator in `acc`, after clamping.

    `result`: the range of clamped results, less the zero point. The answer is exact and takes
    constant time: docs/arithmetic.md derives it.
    """
    if factor.m == 0:
        return False
    unit = factor.m & -factor.m
    odd, exponent = factor.m // unit, factor.s - unit.bit_length()
    if exponent < 0:  # every product is an integer
        return False
    # A tie lies between k and k + 1, 2 k + 1 = j * odd; half up gives k + 1, and an even k differs.
    lowest = max(-(-acc.low >> exponent), -(-(2 * result.low + 1) // odd))
    highest = min(acc.high >> exponent, (2 * result.high - 1) // odd)
    return lowest + (odd - lowest) % 4 <= highest  # j = odd (mod 4): then j * odd = 1 (mod 4)
