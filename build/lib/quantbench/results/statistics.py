"""Statistics of right and wrong answers, paired with the float baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from quantbench.results.records import Interval, Verdict

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
    """Return "worse" or "better" where McNemar's `p` is below ALPHA, else "not resolved"."""
    if p >= ALPHA:
        return "not resolved"
    return "worse" if only_float_right > only_this_right else "better"


def difference_p(difference: Interval, margin: float = 0.0) -> float | None:
    """The two-sided p of a difference beyond `margin`, taken from its 95 % interval.

    The estimate is taken to be normal with the interval's half width on the side of 0 as 1.96
    standard errors. None where it has no interval.
    """
    if difference.low is None or difference.high is None:
        return None
    value = difference.value
    half = value - difference.low if value > 0 else difference.high - value
    beyond = abs(value) - margin
    if beyond <= 0:
        return 1.0
    return float(2 * norm.sf(beyond / half * norm.isf(ALPHA / 2))) if half > 0 else 0.0


def holm(values: Sequence[float]) -> list[float]:
    """The p of each test, such that all hold at once (Holm, Scand. J. Statist. 6 (1979) 65-70)."""
    ordered = sorted(range(len(values)), key=lambda index: values[index])
    adjusted, largest = [0.0] * len(values), 0.0
    for place, index in enumerate(ordered):
        largest = max(largest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = largest
    return adjusted


def falls_short(difference: Interval, higher_is_better: bool, margin: float) -> bool:
    """Whether all of the interval lies beyond `margin` on the worse side."""
    if difference.low is None or difference.high is None:
        return False
    return difference.high < -margin if higher_is_better else difference.low > margin


def score_verdict(
    difference: Interval, p: float | None, *, higher_is_better: bool, equivalent: float
) -> Verdict:
    """Judge a row's figure less float32's, by its adjusted `p` and its interval.

    It is "worse" or "better" where p is below ALPHA, "equivalent" where all of the interval is
    nearer to 0 than `equivalent`, "not judged" where the difference has no interval.
    """
    if difference.low is None or difference.high is None:
        return "not judged"
    if p is not None and p < ALPHA:
        return "better" if (difference.value > 0) == higher_is_better else "worse"
    within = -equivalent < difference.low and difference.high < equivalent
    return "equivalent" if within else "not resolved"


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
