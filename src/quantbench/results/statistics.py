"""Statistics of accuracies and times, paired with the float baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom, binomtest, t

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_ROUNDS, MIN_STARTS
from quantbench.results.records import Interval, Ratio


def wilson(correct: int, images: int) -> Interval:
    """The accuracy `correct` / `images` with its 95 % score interval (Wilson 1927)."""
    bounds = binomtest(correct, images).proportion_ci(0.95, method="wilson")
    return Interval(value=correct / images, low=float(bounds.low), high=float(bounds.high))


def discordant(float_right: NDArray[np.bool_], this_right: NDArray[np.bool_]) -> tuple[int, int]:
    """Count the images that only float has right, and those that only this row has right.

    Both arguments are bool [N].
    """
    return int((float_right & ~this_right).sum()), int((this_right & ~float_right).sum())


def mcnemar(only_a: int, only_b: int) -> float:
    """The two-sided exact p (McNemar 1947): a binomial test over the discordant pairs."""
    pairs = only_a + only_b
    return float(binomtest(only_a, pairs, 0.5).pvalue) if pairs else 1.0


ALPHA = 0.05


def accuracy_verdict(only_float_right: int, only_this_right: int, p: float) -> str:
    """Return "worse" or "better" where McNemar's `p` is below ALPHA, else "no difference shown"."""
    if p >= ALPHA:
        return "no difference shown"
    return "worse" if only_float_right > only_this_right else "better"


def paired_difference(both: int, only_this: int, only_float: int, neither: int) -> Interval:
    """This row's accuracy less float's, over the same images, with its 95 % interval.

    The arguments count the images that both, one or neither of the two have right. Method 10 of
    Newcombe, Statistics in Medicine 17 (1998) 2635-2650: the Wilson intervals of the two
    accuracies, squared and added, less what the two have in common (phi, corrected for
    continuity). Unlike Wald's interval it isn't empty where no image tells the two apart.
    """
    images = both + only_this + only_float + neither
    this, base = wilson(both + only_this, images), wilson(both + only_float, images)
    phi = _phi(both, only_this, only_float, neither)
    value = (only_this - only_float) / images
    down = _joint(this.value - this.low, base.high - base.value, phi)
    up = _joint(this.high - this.value, base.value - base.low, phi)
    return Interval(value=value, low=value - down, high=value + up)


def _joint(a: float, b: float, phi: float) -> float:
    return math.sqrt(a**2 - 2 * phi * a * b + b**2)


def _phi(a: int, b: int, c: int, d: int) -> float:
    """Correlation of a 2x2 table; a positive one is drawn towards 0 by half an image."""
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
