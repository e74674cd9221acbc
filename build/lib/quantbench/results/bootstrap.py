"""Bootstrap intervals over the test samples (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993).

Every row is resampled alike, so that a difference to float32 is one of pairs. The seed is fixed:
the same outputs give the same interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from quantbench.results.records import Interval

SEED = 20_110
LEVEL = 0.95
MAX_RESAMPLES, MIN_RESAMPLES = 9_999, 999
MAX_DRAWS = 200_000_000
"""Draws of a sample, over all resamples, that are worth their time. Where a normal quantile of
2.5 % is estimated from B resamples, its standard error is sqrt(0.025 * 0.975 / B) / 0.0584 standard
errors of the figure: 1.4 % of the half width for MAX_RESAMPLES, 4.3 % for MIN_RESAMPLES."""
WHOLE_SET_RESAMPLES = (999, 399, 199)
"""The most resamples that a metric of the whole set gets, and the fewer where it is slow."""
WHOLE_SET_SECONDS = 60.0
"""The time that the resamples of such a metric may take, over all rows."""
MIN_DEFINED = 0.95
"""Share of resamples in which a figure has to be defined, for its interval to be one."""
_AT_ONCE = 2**21
"""Draws that are held in memory at a time."""

Figures = Callable[[NDArray[np.intp]], Sequence[float]]
"""Indices [N] of a resample -> the figure of each row."""


def resamples(samples: int) -> int:
    """The number of resamples for a mean over so many samples."""
    return min(MAX_RESAMPLES, max(MIN_RESAMPLES, MAX_DRAWS // max(samples, 1)))


def mean_intervals(values: NDArray[np.float64]) -> tuple[Interval, ...]:
    """The mean of each column of [N, M], with its 95 % interval.

    It is the BCa interval (Efron, JASA 82 (1987) 171-185), which allows for bias and skewness; the
    acceleration of a mean is a sixth of its skewness, as the jackknife finds it. All columns are
    finite. Memory doesn't grow with the number of resamples times samples.
    """
    count = resamples(len(values))
    means = _resampled_means(values, count)
    how = f"BCa bootstrap, {count:,} resamples"
    return tuple(
        _bca(column, resampled, how) for column, resampled in zip(values.T, means.T, strict=True)
    )


def _resampled_means(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """The means [count, M] of so many resamples of the rows of [N, M].

    Multiplying by how often each sample was drawn resamples every column at once.
    """
    random = np.random.default_rng(SEED)
    samples = len(values)
    step = max(1, _AT_ONCE // samples)
    means = np.empty((count, values.shape[1]))
    for start in range(0, count, step):
        rows = min(step, count - start)
        drawn = random.integers(0, samples, (rows, samples))
        drawn += np.arange(rows)[:, None] * samples
        times = np.bincount(drawn.ravel(), minlength=rows * samples).reshape(rows, samples)
        means[start : start + rows] = times.astype(np.float64) @ values / samples
    return means


def _bca(values: NDArray[np.float64], means: NDArray[np.float64], how: str) -> Interval:
    value = float(values.mean())
    centred = values - value
    squares = float(np.square(centred).sum())
    if not squares or means.min() == means.max():
        return Interval(value=value, low=value, high=value, how=how)
    below = ((means < value).mean() + (means <= value).mean()) / 2
    bias = float(ndtri(np.clip(below, 1 / len(means), 1 - 1 / len(means))))
    acceleration = float((centred**3).sum()) / (6 * squares**1.5)
    tails = bias + ndtri(np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    low, high = np.quantile(means, ndtr(bias + tails / (1 - acceleration * tails)))
    return Interval(value=value, low=float(low), high=float(high), how=how)


def whole_set_intervals(
    values: Sequence[float],
    baselines: Sequence[int],
    figures: Figures,
    samples: int,
    seconds: float = WHOLE_SET_SECONDS,
) -> tuple[tuple[Interval, ...], tuple[Interval, ...]]:
    """The figures of rows and their differences to float32, with 95 % percentile intervals.

    `values` are the rows' figures on all samples, and `baselines` each row's float32, by index.
    `figures` is called for each resample; NaN where a figure isn't defined. The bounds are None
    where too many aren't, and where even the fewest of WHOLE_SET_RESAMPLES would take longer than
    `seconds`.
    """
    random = np.random.default_rng(SEED)
    began = time.perf_counter()
    first = figures(random.integers(0, samples, samples))
    each = time.perf_counter() - began
    count = next((n for n in WHOLE_SET_RESAMPLES if n * each <= seconds), 0)
    more = (figures(random.integers(0, samples, samples)) for _ in range(count - 1))
    resampled = np.array([first, *more], np.float64)
    how = f"percentile bootstrap, {count:,} resamples" if count else "too slow to resample"
    differences = resampled - resampled[:, list(baselines)]
    return (
        tuple(
            _percentile(value, column, count, how)
            for value, column in zip(values, resampled.T, strict=True)
        ),
        tuple(
            _percentile(value - values[baseline], column, count, how)
            for value, baseline, column in zip(values, baselines, differences.T, strict=True)
        ),
    )


def _percentile(value: float, resampled: NDArray[np.float64], count: int, how: str) -> Interval:
    defined = resampled[np.isfinite(resampled)]
    if not count:
        return Interval(value=value, low=None, high=None, how=how)
    if len(defined) < MIN_DEFINED * count:
        undefined = f"no interval: undefined in {count - len(defined)} of {count} resamples"
        return Interval(value=value, low=None, high=None, how=undefined)
    low, high = np.quantile(defined, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(value=value, low=float(low), high=float(high), how=how)
