"""The rules of docs/arithmetic.md: multiplier and shift, the one rounding, and the bounds.

Functions on arrays take and give NumPy integers of 64 bits, which none of them overflows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import CompileError
from quantbench.system.record import Record

Integers = NDArray[np.int64]

MULTIPLIER_BITS = 31
SUM_BITS = 30
SHORTEST_SUM = 15
LARGEST_SHIFT = 62
WORD = 2**31
"""Accumulators are in [-WORD, WORD)."""


class Multiplier(Record):
    """The number m * 2**-s, within a relative 2**-31 of the factor that it stands for, or 0."""

    m: int
    s: int

    @property
    def value(self) -> Fraction:
        """The exact number m * 2**-s."""
        return Fraction(self.m, 2**self.s)


def multiplier(real: Fraction, where: str) -> Multiplier:
    """The 31-bit multiplier nearest to the factor `real` >= 0; m = 0 below 2**-32.

    Raises CompileError, which names `where`, for a factor of 2**30 or more.
    """
    if real < 0:
        raise ValueError(f"{where}: negative factor {real}")
    if real < Fraction(1, 2**32):
        return Multiplier(m=0, s=1)  # an accumulator times this rounds to 0
    m, s = _scaled(real, MULTIPLIER_BITS)
    if s < 1:
        raise CompileError(f"{where}: its output's scale is {float(real):.3g} times too small")
    return Multiplier(m=m, s=s)


def common_multipliers(one: Fraction, other: Fraction, where: str) -> tuple[int, int, int]:
    """Multipliers m1, m2 < 2**30 of two factors > 0, and the shift s, 15 to 39, that they share.

    The factors are of numbers in [-255, 255]. Raises CompileError, which names `where`, for a
    factor of 2**15 or more.
    """
    larger = max(one, other)
    if min(one, other) <= 0:
        raise ValueError(f"{where}: factors {one} and {other}")
    if larger < Fraction(1, 2**10):
        return 0, 0, SHORTEST_SUM  # at most 510 times this rounds to 0
    _, s = _scaled(larger, SUM_BITS)
    if s < SHORTEST_SUM:
        raise CompileError(f"{where}: its output's scale is {float(larger):.3g} times too small")
    return _nearest(one * 2**s), _nearest(other * 2**s), s


def rescaled(acc: Integers, m: Integers | int, s: Integers | int) -> Integers:
    """Round acc * m * 2**-s to the nearest integers, ties to even.

    |acc| <= 2**31, 0 <= m < 2**31, 1 <= s <= 62.
    """
    return nearest_shift(acc * np.asarray(m, np.int64), np.asarray(s, np.int64))


def nearest_shift(product: Integers, s: Integers | int) -> Integers:
    """Round product * 2**-s to the nearest integers, ties to even.

    |product| < 2**62, 1 <= s <= 62.
    """
    below_half = np.left_shift(np.int64(1), np.asarray(s, np.int64) - 1) - 1
    sums = np.asarray(np.right_shift(product, s), np.int64)
    sums &= 1  # of an odd one, half is rounded up
    sums += below_half
    sums += product
    sums >>= s
    return sums


def folded_bias(
    bias: Sequence[Fraction], weights: Integers, zero_points: Sequence[int]
) -> list[int]:
    """The start values of the accumulators, one for each output channel: round(bias) - Zx sum w'.

    `bias` is in units of the accumulator, `weights` [O, ...] are w' = w - Zw, and `zero_points` are
    the input's Zx, for each output.
    """
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    columns = zip(bias, zero_points, sums.tolist(), strict=True)
    return [_nearest(b) - zero_point * total for b, zero_point, total in columns]


def accumulator_bounds(
    start: Integers, weights: Integers, low: int, high: int
) -> tuple[Integers, Integers, Integers]:
    """Bound the accumulators for inputs in [low, high]: least, greatest, largest partial sum.

    `start` [O] holds the initial values, `weights` are [O, ...]. Returns three arrays [O]; the
    last bounds the magnitude of every partial sum, in whichever order the terms are added.
    """
    flat = weights.reshape(len(weights), -1)
    positive = np.maximum(flat, 0).sum(axis=1)
    negative = flat.sum(axis=1) - positive
    least = start + low * positive + high * negative
    greatest = start + high * positive + low * negative
    largest = max(abs(low), abs(high)) * (positive - negative)
    return least, greatest, np.abs(start) + largest


def require_word(most: int, where: str) -> None:
    """Raise CompileError, which names `where`, if a sum of magnitude `most` may leave 32 bits."""
    if most >= WORD:
        raise CompileError(f"{where}: its sums may reach {most:,}, which 32 bits don't hold")


def exact(value: float) -> Fraction:
    """The rational number that a float32 or float64 is. Raises ValueError unless it is finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    return Fraction(float(value))


def _scaled(real: Fraction, bits: int) -> tuple[int, int]:
    """The m of exactly `bits` bits, and the s, for which m * 2**-s is nearest to `real` > 0."""
    above, below = real.numerator, real.denominator
    s = bits - 1 - (above.bit_length() - below.bit_length())  # or one more
    if above << max(s, 0) < below << max(-s, 0) + bits - 1:
        s += 1
    m = _nearest(Fraction(above << max(s, 0), below << max(-s, 0)))
    return (m // 2, s - 1) if m == 2**bits else (m, s)


def _nearest(real: Fraction) -> int:
    """The integer nearest to `real`, ties to even."""
    return round(real)
