"""The rules of docs/arithmetic.md: multiplier and shift, the one rounding, and the bounds.

Functions on arrays take and give NumPy integers of 64 bits, which none of them overflows.
"""

from __future__ import annotations

import math
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
    """The real number m * 2**-s, at most one part in 2**31 off what was asked for."""

    m: int
    s: int

    @property
    def value(self) -> Fraction:
        return Fraction(self.m, 2**self.s)


def multiplier(real: Fraction, where: str) -> Multiplier:
    """For a factor `real` >= 0. Raises CompileError, which names `where`, at 2**30 or more."""
    if real < 0:
        raise ValueError(f"{where}: negative factor {real}")
    if real < Fraction(1, 2**32):
        return Multiplier(m=0, s=1)  # an accumulator times this rounds to 0
    m, s = _scaled(real, MULTIPLIER_BITS)
    if s < 1:
        raise CompileError(f"{where}: its output's scale is {float(real):.3g} times too small")
    return Multiplier(m=m, s=s)


def common_multipliers(one: Fraction, other: Fraction, where: str) -> tuple[int, int, int]:
    """Two factors > 0 of numbers in [-255, 255], with one shift of 15 to 39: m1, m2 < 2**30, s.

    Raises CompileError at 2**15 or more.
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
    """The integers nearest to acc * m * 2**-s, the even one at a tie.

    |acc| <= 2**31, 0 <= m < 2**31, 1 <= s <= 62.
    """
    return nearest_shift(acc * np.asarray(m, np.int64), np.asarray(s, np.int64))


def nearest_shift(product: Integers, s: Integers | int) -> Integers:
    """The integers nearest to product * 2**-s, the even one at a tie.

    |product| < 2**62, 1 <= s <= 62.
    """
    odd = np.right_shift(product, s) & 1
    half = np.left_shift(np.int64(1), np.asarray(s, np.int64) - 1)
    return np.asarray(np.right_shift(product + (half - 1 + odd), s), np.int64)


def folded_bias(bias: list[Fraction], weights: Integers, zero_point: int) -> list[int]:
    """What accumulators start from: round(bias) - Zx sum w'.

    `bias` is in units of the accumulator, `weights` [O, ...] are w' = w - Zw.
    """
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    return [_nearest(b) - zero_point * int(total) for b, total in zip(bias, sums, strict=True)]


def accumulator_bounds(
    start: Integers, weights: Integers, low: int, high: int
) -> tuple[Integers, Integers, Integers]:
    """Of each output channel: least and greatest accumulator, and the most that any partial
    sum can amount to, for inputs in [low, high].
    """
    flat = weights.reshape(len(weights), -1)
    at_ends = np.stack([flat * low, flat * high])
    least = start + at_ends.min(axis=0).sum(axis=1)
    greatest = start + at_ends.max(axis=0).sum(axis=1)
    return least, greatest, np.abs(start) + np.abs(at_ends).max(axis=0).sum(axis=1)


def require_word(most: int, where: str) -> None:
    """Raises CompileError if a sum may leave 32 bits."""
    if most >= WORD:
        raise CompileError(f"{where}: its sums may reach {most:,}, which 32 bits don't hold")


def exact(value: float) -> Fraction:
    """The number that a float32 or float64 is."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no number")
    return Fraction(float(value))


def _scaled(real: Fraction, bits: int) -> tuple[int, int]:
    """m, s with real ~ m 2**-s and m of just so many bits."""
    s = bits - 1
    while real * 2**s >= 2**bits:
        s -= 1
    while real * 2**s < 2 ** (bits - 1):
        s += 1
    m = _nearest(real * 2**s)
    return (m // 2, s - 1) if m == 2**bits else (m, s)


def _nearest(real: Fraction) -> int:
    """Half to even."""
    return round(real)
