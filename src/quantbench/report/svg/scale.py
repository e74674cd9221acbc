"""Scales: from a value to a pixel, with ticks at round numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
_SUBDIVISIONS = ((1, 2, 3, 5), (1, 2, 5), (1, 3), (1,))


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic scale from values `low` to `high` to pixels `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; one outside the scale lies outside the pixels."""
        low, high, value = (self._along(number) for number in (self.low, self.high, value))
        share = (value - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, most: int) -> tuple[float, ...]:
        """Round values within the scale, at most so many, in rising order."""
        if self.log and self.high > 10 * self.low:
            return _log_ticks(self.low, self.high, most)
        return _linear_ticks(self.low, self.high, most)

    def labelled(self, most: int) -> tuple[tuple[float, str], ...]:
        """The ticks with their texts, which have as many decimals as their distance asks for."""
        ticks = self.ticks(most)
        gaps = [b - a for a, b in itertools.pairwise(ticks)]
        least = min(gaps, default=1.0)
        return tuple((tick, tick_text(tick, tick if self.log else least)) for tick in ticks)

    def _along(self, value: float) -> float:
        return math.log(max(value, 1e-300)) if self.log else value


def covering(
    values: Iterable[float], start: float, end: float, *, log: bool = False, margin: float = 0.05
) -> Scale:
    """A scale that holds all values, with a margin on both sides as a share of their span."""
    kept = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(kept), max(kept)) if kept else (1.0, 10.0) if log else (0.0, 1.0)
    if log:
        factor = (high / low) ** margin if high > low else 2.0
        return Scale(low / factor, high * factor, start, end, log=True)
    span = high - low or abs(high) or 1.0
    return Scale(low - margin * span, high + margin * span, start, end)


def tick_text(value: float, step: float) -> str:
    """A tick's value with as many decimals as a step of that size needs."""
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.1e}".replace("e+0", "e").replace("e-0", "e-")
    decimals = max(0, -math.floor(math.log10(abs(step)) + 1e-9)) if step else 0
    text = f"{value:,.{min(decimals + 1, 6)}f}"
    return text.rstrip("0").rstrip(".") if decimals == 0 or text.endswith("0") else text


def _linear_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    if not high > low:
        return (low,)
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (factor * size for factor in _STEPS):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return tuple(round(number * step, 12) for number in range(first, last + 1))


def _log_ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for subdivisions in _SUBDIVISIONS:
        ticks = [sub * 10.0**power for power in decades for sub in subdivisions]
        within = tuple(tick for tick in ticks if low <= tick * (1 + 1e-9) and tick <= high)
        if len(within) <= most:
            return within
    every = math.ceil(len(within) / most)
    return within[::every]
