"""Paired statistics against the float baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, t

from quantbench.harness.records import Latency
from quantbench.harness.schedule import LEAST_ROUNDS, LEAST_STARTS
from quantbench.results.records import Interval, Ratio


def wilson(correct: int, images: int) -> Interval:
    """A proportion with its 95 % score interval (Wilson 1927)."""
    bounds = binomtest(correct, images).proportion_ci(0.95, method="wilson")
    return Interval(value=correct / images, low=float(bounds.low), high=float(bounds.high))


def discordant(float_right: NDArray[np.bool_], this_right: NDArray[np.bool_]) -> tuple[int, int]:
    """Images that only float has right, and that only this row has right; both [N]."""
    return int((float_right & ~this_right).sum()), int((this_right & ~float_right).sum())


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided exact p (McNemar 1947; the binomial test over the discordant pairs)."""
    pairs = only_one + only_other
    return float(binomtest(only_one, pairs, 0.5).pvalue) if pairs else 1.0


ALPHA = 0.05


def accuracy_verdict(only_float_right: int, only_this_right: int, p: float) -> str:
    if p >= ALPHA:
        return "no difference shown"
    return "worse" if only_float_right > only_this_right else "better"


def paired_difference(both: int, only_this: int, only_float: int, neither: int) -> Interval:
    """This row's accuracy less float's, over the same images, with its 95 % interval.

    Method 10 of Newcombe, Statistics in Medicine 17 (1998) 2635-2650: the Wilson intervals of
    the two accuracies, squared and added, less what the two have in common (phi, corrected for
    continuity). Unlike Wald's it is wider than nothing where no image tells the two apart.
    """
    images = both + only_this + only_float + neither
    this, base = wilson(both + only_this, images), wilson(both + only_float, images)
    phi = _phi(both, only_this, only_float, neither)
    value = (only_this - only_float) / images
    down = _joint(this.value - this.low, base.high - base.value, phi)
    up = _joint(this.high - this.value, base.value - base.low, phi)
    return Interval(value=value, low=value - down, high=value + up)


def _joint(one: float, other: float, phi: float) -> float:
    return math.sqrt(one**2 - 2 * phi * one * other + other**2)


def _phi(a: int, b: int, c: int, d: int) -> float:
    """Correlation of a 2x2 table; a positive one is drawn towards 0 by half an image."""
    scale = (a + b) * (c + d) * (a + c) * (b + d)
    if not scale:
        return 0.0
    product = a * d - b * c
    corrected = max(product - (a + b + c + d) / 2, 0) if product > 0 else product
    return corrected / math.sqrt(scale)


FLOOR, FLOOR_OF_FEW_STARTS = 0.02, 0.03
"""Identical processes differ for good, by up to 3 % at one image (docs/measuring.md): where the
interval can't hold that, the floor must."""


def speed(name: str, baseline: Latency, this: Latency) -> Ratio:
    """Float time over this row's time, paired by round, for both were timed in each.

    With at least LEAST_STARTS fresh starts of the workers, each gives one median log ratio and
    the interval is Student's t over these (Kalibera and Jones 2013: repeat at the level where
    the variance arises). With fewer, the interval is the rounds' own, of their median, and only
    the floor stands for what differs between starts. The floor is added on both sides.
    Raises ValueError for fewer than LEAST_ROUNDS rounds.
    """
    logs: dict[int, list[float]] = {}
    for a, b, start in zip(baseline.rounds, this.rounds, this.starts, strict=True):
        logs.setdefault(start, []).append(math.log(median(a) / median(b)))
    if len(logs) >= LEAST_STARTS:
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
    """Which of rows that were timed in turn is fastest, paired by round.

    The least median log time, each round's mean taken off: where the machine was fast in some
    rounds and slow in others, rows' plain medians may fall on either side.
    """
    logs = np.log([[median(calls) for calls in row.rounds] for row in rows])
    return int(np.argmin(np.median(logs - logs.mean(axis=0), axis=1)))


def _mean(values: list[float]) -> tuple[float, float, float]:
    """With its 95 % interval by Student's t."""
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    middle = fmean(values)
    return middle, middle - half, middle + half


def _median(values: list[float]) -> tuple[float, float, float]:
    """With its 95 % interval by order statistics (Conover 1999, 3.2).

    A round in which another program took the processor doesn't move it.
    """
    if len(values) < LEAST_ROUNDS:
        raise ValueError(f"{len(values)} rounds have no 95 % interval of their median")
    ordered = sorted(values)
    outside = int(binom.ppf(0.025, len(ordered), 0.5)) - 1
    return median(ordered), ordered[outside], ordered[-1 - outside]
