"""Shorter roundings that are proved to give the exact one's results: docs/arithmetic.md.

Both roundings are monotone in the accumulator, so they are the same function on an interval if
they step from each result to the next at the same accumulators. All is decided in integers, or in
float64 where that holds every number exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.numerics.fixed_point import MULTIPLIER_BITS, Integers

Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]

_NEIGHBOURS = 4
"""How far from the nearest multiplier the search goes, on either side."""
_PATIENCE = 2
"""Multipliers that are tried beyond the nearest where they prove less than half the channels."""
_LARGEST_REAL = 2.0**30
"""A bound of the numbers that are converted to int32."""
_OFFSET_UNIT, _LARGEST_OFFSET = 2.0**-24, 2.0**20
"""Offsets are such multiples, so that float64 holds their differences exactly."""
_UNBOUNDED = 2.0**40


@dataclass(frozen=True, eq=False)
class Channels:
    """Channels that are rounded alike: clamp(round(acc m 2**-s), first, last), half to even.

    `m`, `s` [C] are multipliers, `low`, `high` [C] the interval of the accumulators; `first` and
    `last` are the output's limits less its zero point.
    """

    m: Integers
    s: Integers
    low: Integers
    high: Integers
    first: int
    last: int

    def __len__(self) -> int:
        return len(self.m)

    @property
    def steps(self) -> Integers:
        """The results above `first`, [K]."""
        return np.arange(self.first + 1, self.last + 1)

    def thresholds(self) -> Integers:
        """The least accumulator of the interval that gives each of `steps` or more, [C, K].

        It is high + 1 where none does.
        """
        odd = self.steps & 1  # a tie below an odd result goes down
        low, high, s = self.low[:, None], self.high[:, None], self.s[:, None]
        beyond = np.left_shift(np.int64(1), np.minimum(63 - s, 61))  # no product is so large
        products = (np.clip(2 * self.steps - 1, -beyond, beyond) << (s - 1)) + odd
        least = -(-products // np.maximum(self.m, 1)[:, None])
        without = np.where(self.steps <= 0, low, high + 1)  # every accumulator times 0
        return np.clip(np.where(self.m[:, None] == 0, without, least), low, high + 1)


@dataclass(frozen=True, eq=False)
class Scaled:
    """Proved multipliers of one shift: floor((acc m + half) 2**-shift) is the exact rounding.

    `proved` [C] says of which channels. 0 <= m < 2**31, 0 <= half < 2**shift.
    """

    m: Integers
    half: Integers
    proved: Flags


@dataclass(frozen=True, eq=False)
class Reals:
    """Proved float32 factors: the integer part of fma(float(acc), factor, offset).

    `proved` [C] says of which channels it is the exact rounding, zero point added and clamped.
    """

    factor: Floats
    offset: Floats
    proved: Flags


def scaled(
    channels: Channels, thresholds: Integers, shift: int, *, centred: bool = False
) -> Scaled:
    """Search multipliers and halves for the common `shift`, 32 to 53.

    `centred`: every half is 2**(shift - 1). Otherwise it is that where it is proved, or else the
    middle of those that are.
    """
    centre, ends = 2 ** (shift - 1), 2**shift - 1
    reals = channels.m * 2.0 ** (shift - channels.s)
    nearest = np.rint(np.minimum(reals, 2.0**MULTIPLIER_BITS)).astype(np.int64)
    goals = channels.steps << shift
    m, half = nearest.copy(), np.full(len(channels), centre)

    def attempt(where: Integers, distance: int) -> Flags:
        at, tried = thresholds[where], nearest[where] + distance
        reached, before = at <= channels.high[where, None], at > channels.low[where, None]
        least = np.where(reached, goals - at * tried[:, None], 0).max(axis=1, initial=0)
        most = np.where(before, goals - 1 - (at - 1) * tried[:, None], ends)
        most = most.min(axis=1, initial=ends)
        has_centre = (least <= centre) & (centre <= most)
        holds = has_centre if centred else least <= most
        m[where] = tried
        half[where] = centre if centred else np.where(has_centre, centre, (least + most) // 2)
        return np.asarray((tried >= 0) & (tried < 2**MULTIPLIER_BITS) & holds)

    fits = np.flatnonzero(nearest < 2**MULTIPLIER_BITS)
    return Scaled(m, half, _searched(len(channels), fits, attempt))


def reals(channels: Channels, thresholds: Integers, zero_point: int) -> Reals:
    """Search float32 factors and offsets; results are 0 to 2**10, `zero_point` added.

    The product of a float32 accumulator and a factor has 48 bits, and float64 holds it.
    """
    if channels.first + zero_point < 0:
        raise ValueError("the integer part of a negative number isn't its floor")
    middles = _middles(channels.steps + zero_point)
    nearest = (channels.m * 2.0**-channels.s).astype(np.float32)
    factor, offset = nearest.copy(), np.full(len(channels), zero_point + 0.5, np.float32)

    def attempt(where: Integers, distance: int) -> Flags:
        tried = (nearest[where].view(np.int32) + distance).view(np.float32)
        at, low, high = thresholds[where], channels.low[where], channels.high[where]
        reached, before = at <= high[:, None], at > low[:, None]
        above, below = _products(at, tried[:, None]), _products(at - 1, tried[:, None])
        chosen = _offsets(
            np.where(reached, middles - above, -_UNBOUNDED).max(axis=1, initial=-_UNBOUNDED),
            np.where(before, middles - below, _UNBOUNDED).min(axis=1, initial=_UNBOUNDED),
            zero_point + 0.5,
        )
        gaps = middles - chosen[:, None].astype(np.float64)
        largest = np.abs(_products(np.stack([low, high]), tried)).max(axis=0)
        factor[where], offset[where] = tried, chosen
        small = (largest < _LARGEST_REAL) & (np.abs(chosen) < _LARGEST_OFFSET)
        up, down = above >= gaps, below < gaps
        return np.asarray(small & (up | ~reached).all(axis=1) & (down | ~before).all(axis=1))

    has_neighbours = np.flatnonzero(channels.m > 0)
    proved = _searched(len(channels), has_neighbours, attempt)
    nothing = channels.m == 0
    factor[nothing] = 0
    return Reals(factor, offset, proved | nothing)


def _searched(count: int, remaining: Integers, attempt: Callable[[Integers, int], Flags]) -> Flags:
    """Try distances from the nearest multiplier, the smallest first, until each is proved, [C]."""
    proved = np.zeros(count, bool)
    for tries, distance in enumerate(_distances()):
        if len(remaining) == 0 or (tries > _PATIENCE and 2 * len(remaining) > count):
            break  # a layer of which most channels can't be proved
        holds = attempt(remaining, distance)
        proved[remaining[holds]] = True
        remaining = remaining[~holds]
    return proved


def _distances() -> Iterator[int]:
    yield 0
    for distance in range(1, _NEIGHBOURS + 1):
        yield distance
        yield -distance


def _products(acc: Integers, factor: Floats) -> NDArray[np.float64]:
    """Accumulators, converted to float32, times factors: exact in float64."""
    return np.asarray(acc.astype(np.float32).astype(np.float64) * factor.astype(np.float64))


def _middles(results: Integers) -> NDArray[np.float64]:
    """The real numbers from which on float32 rounds to each result, an integer > 0, or more.

    It is the middle between it and the float32 below, and counts, since that one is odd.
    """
    below = np.nextafter(results.astype(np.float32), np.float32(0))
    return (results + below.astype(np.float64)) / 2


def _offsets(least: NDArray[np.float64], most: NDArray[np.float64], without: float) -> Floats:
    """The middle between two bounds, or a step from the one that there is.

    `without`: the offset where there is none.
    """
    bounded = least > -_UNBOUNDED, most < _UNBOUNDED
    chosen = np.select(
        [bounded[0] & bounded[1], bounded[0], bounded[1]],
        [(least + most) / 2, least + 1, most - 1],
        np.float64(without),
    )
    return np.asarray(np.rint(chosen / _OFFSET_UNIT) * _OFFSET_UNIT, np.float32)
