"""Statistics of right and wrong answers and of times, paired with the float baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, t

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_ROUNDS, MIN_STARTS
from quantbench.results.records import Interval, Ratio, Verdict

WILSON = "Wilson"
NEWCOMBE = "Newcombe's method 10, paired"


def wilson(right: int, samples: int) -> Interval:
    """The share `right` / `samples` with its 95 % score interval (Wilson 1927)."""
    low, value, high = _wilson(right, samples)
    return Interval(value=value, low=low, high=high, how=WILSON)


def _wilson(right: int, samples: int) -> tuple[float, float, float]:
    bounds = binomtest(right, samples).proportion_ci(0.95, method="wilson")
    return float(bounds.low), right / samples, float(bounds.high)


def discordant(float_right: NDArray[np.bool_], this_right: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the samples that only float has right, and those that only this row has right.

    Both arguments are bool [N].
    """
    return int((float_right & ~this_right).sum()), int((this_right & ~float_right).sum())


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided exact p (McNemar 1947): a binomial test over the discordant pairs."""
    pairs = only_a + only_b
    return float(binomtest(only_a, pairs, 0.5).pvalue) if pairs else 1.0


ALPHA = 0.05


def mcnemar_verdict(only_float_right: int, only_this_right: int, p: float) -> Verdict:
    """Return "worse" or "better" where McNemar's `p` is below ALPHA, else "no difference shown"."""
    if p >= ALPHA:
        return "no difference shown"
    return "worse" if only_float_right > only_this_right else "better"


def interval_verdict(difference: Interval, *, higher_is_better: bool, margin: float) -> Verdict:
    """Judge a row's figure less float32's by its interval.

    It is "worse" where all of the interval lies beyond `margin` on the worse side, "better" where
    all of it lies on the better side, "not judged" where the difference has no interval.
    """
    if difference.low is None or difference.high is None:
        return "not judged"
    low, high = difference.low, difference.high
    if not higher_is_better:
        low, high = -high, -low
    if high < -margin:
        return "worse"
    return "better" if low > 0 else "no difference shown"


def paired_difference(both: int, only_this: int, only_float: int, neither: int) -> Interval:
    """This row's share of right samples less float's, with its 95 % interval.

    The arguments count the samples that both, one or neither of the two have right. Method 10 of
    Newcombe, Statistics in Medicine 17 (1998) 2635-2650: the Wilson intervals of the two
    shares, squared and added, less what the two have in common (phi, corrected for
    continuity). Unlike Wald's interval it isn't empty where no sample tells the two apart.
    """
    samples = both + only_this + only_float + neither
    this, base = _wilson(both + only_this, samples), _wilson(both + only_float, samples)
    phi = _phi(both, only_this, only_float, neither)
    value = (only_this - only_float) / samples
    down = _joint(this[1] - this[0], base[2] - base[1], phi)
    up = _joint(this[2] - this[1], base[1] - base[0], phi)
    return Interval(value=value, low=value - down, high=value + up, how=NEWCOMBE)


def _joint(a: float, b: float, phi: float) -> float:
    return math.sqrt(a**2 - 2 * phi * a * b + b**2)


def _phi(a: int, b: int, c: int, d: int) -> float:
    """Correlation of a 2x2 table; a positive one is drawn towards 0 by half a sample."""
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    if not scale:
        return 0.0
    product = a * d - b * c
    corrected = max(product - (a + b + c + d) / 2, 0) if product > 0 else product
    return corrected / math.sqrt(scale)


FLOOR, FLOOR_OF_FEW_STARTS = 0.02, 0.03
"""Relative difference below which no claim is made. Identical processes differ for as long as they
live, by up to 3 % at one image (docs/measuring.md): few starts don't show it in their interval."""


def speed(name: str, baseline: Latency, this: Latency) -> Ratio:
    """Float time over this row's time, paired by round, since both were timed in each.

    `name` is the baseline row's. With at least MIN_STARTS fresh starts of the workers, each
    start yields one median log ratio and the interval is Student's t over these (Kalibera and
    Jones 2013: repeat at the level where the variance arises). With fewer, the interval is that
    of the rounds' median, and the floor alone stands for the differences between starts. The
    floor is added on both sides. Raises ValueError for fewer than MIN_ROUNDS rounds.
    """
    logs: dict[int, list[float]] = {}
    for a, b, start in zip(baseline.rounds, this.rounds, this.starts, strict=True):
        logs.setdefault(start, []).append(math.log(median(a) / median(b)))
    if len(logs) >= MIN_STARTS:
        floor = FLOOR
        middle, below, above = _mean([median(values) for values in logs.values()])
    else:
        floor = FLOOR_OF_FEW_STARTS
        middle, below, above = _median([value for values in logs.values() for value in values])
    low = math.exp(below - math.log1p(floor))
    high = math.exp(above + math.log1p(floor))
    return Ratio(
        baseline=name,
        batch=this.batch,
        threads=this.threads,
        kind=this.kind,
        value=math.exp(middle),
        low=low,
        high=high,
        starts=len(logs),
        floor=floor,
        verdict="faster" if low > 1 else "slower" if high < 1 else "not shown to differ",
    )


def fastest(rows: Sequence[Latency]) -> int:
    """The index of the fastest row among rows that were timed in turn, paired by round.

    It has the least median of log times less their round's mean: where the machine was fast in
    some rounds and slow in others, plain medians may fall on either side.
    """
    logs = np.log([[median(calls) for calls in row.rounds] for row in rows])
    return int(np.argmin(np.median(logs - logs.mean(axis=0), axis=1)))


def _mean(values: list[float]) -> tuple[float, float, float]:
    """The mean with its 95 % interval by Student's t."""
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    middle = fmean(values)
    return middle, middle - half, middle + half


def _median(values: list[float]) -> tuple[float, float, float]:
    """The median with its 95 % interval by order statistics (Conover 1999, 3.2).

    A single round in which another program took the processor hardly moves it.
    """
    if len(values) < MIN_ROUNDS:
        raise ValueError(f"{len(values)} rounds have no 95 % interval of their median")
    ordered = sorted(values)
    outside = int(binom.ppf(0.025, len(ordered), 0.5)) - 1
    return median(ordered), ordered[outside], ordered[-1 - outside]
