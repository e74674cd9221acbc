"""Paired statistics against the float baseline."""

from __future__ import annotations

from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from quantbench.records import Interval, Latency, Ratio


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


def speed(baseline: Latency, this: Latency) -> Ratio:
    """Float time over this row's time, round by round: both were timed in each round."""
    ratios = [median(a) / median(b) for a, b in zip(baseline.rounds, this.rounds, strict=True)]
    return Ratio(
        batch=this.batch,
        threads=this.threads,
        kind=this.kind,
        value=median(ratios),
        low=min(ratios),
        high=max(ratios),
    )
