"""Estimates with bounds, and what they say about a limit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from quantbench.results.records import Interval, Ratio


class Outcome(StrEnum):
    """The outcome of a rule for one row."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_RESOLVED = "not resolved"


@dataclass(frozen=True)
class Estimate:
    """A figure and the bounds of its 95 % interval; where it is exact, both are the figure."""

    value: float
    low: float
    high: float

    @property
    def is_exact(self) -> bool:
        """Whether there is no doubt about the figure."""
        return self.low == self.high

    def mapped(self, function: Callable[[float], float]) -> Estimate:
        """The estimate of a monotonic function of the figure."""
        low, high = sorted((function(self.low), function(self.high)))
        return Estimate(function(self.value), low, high)


def exactly(value: float) -> Estimate:
    """An estimate without doubt: of bytes, or of a score over a fixed test set."""
    return Estimate(value, value, value)


def estimate_of(interval: Interval | None) -> Estimate | None:
    """The estimate of an interval; None where it has no bounds."""
    if interval is None or interval.low is None or interval.high is None:
        return None
    return Estimate(interval.value, interval.low, interval.high)


def decide(estimate: Estimate, limit: float, *, above: bool) -> Outcome:
    """Tell whether a figure is above (or below) a limit.

    FAIL: all of its interval is beyond the limit. PASS: none of it is. Else it is NOT_RESOLVED.
    """
    low, high = (estimate.low, estimate.high) if above else (-estimate.high, -estimate.low)
    bound = limit if above else -limit
    if low > bound:
        return Outcome.FAIL
    return Outcome.PASS if high <= bound else Outcome.NOT_RESOLVED


def time_change(speed: Ratio) -> Estimate:
    """The relative change of a time, +0.05 where B takes 5 % longer; `speed` is A's over B's."""
    return Estimate(speed.value, speed.low, speed.high).mapped(lambda ratio: 1 / ratio - 1)


def rate_change(speed: Ratio) -> Estimate:
    """The relative change of the throughput, of the same ratio as `time_change`."""
    return Estimate(speed.value, speed.low, speed.high).mapped(lambda ratio: ratio - 1)


def unpaired_difference(a: Estimate, b: Estimate) -> Estimate:
    """B less A, with the interval that is due if the two had nothing in common.

    The distances of each bound are squared and added (Newcombe, Statistics in Medicine 17 (1998)
    873-890, method 10; Zou and Donner, Statistics in Medicine 27 (2008) 1693-1702, for any two
    estimates). Scores over the same samples rise and fall together, which makes it wider than the
    interval of a paired difference: it claims less, not more.
    """
    value = b.value - a.value
    down = math.hypot(b.value - b.low, a.high - a.value)
    up = math.hypot(b.high - b.value, a.value - a.low)
    return Estimate(value, value - down, value + up)
