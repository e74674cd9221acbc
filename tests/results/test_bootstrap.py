"""Bootstrap intervals: against their definition, against SciPy's, and by simulation."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import binomtest, norm
from scipy.stats import bootstrap as scipy_bootstrap

from quantbench.results import bootstrap
from quantbench.results.bootstrap import (
    MAX_DRAWS,
    MAX_RESAMPLES,
    MIN_RESAMPLES,
    mean_intervals,
    resamples,
    whole_set_intervals,
)
from quantbench.results.records import Interval

SIMULATED = 1000
RARE = 0.001
"""A correct 95 % interval fails a test at this level for one seed in a thousand."""


def covers(interval: Interval, truth: float) -> bool:
    assert interval.low is not None
    assert interval.high is not None
    return interval.low <= truth <= interval.high


def monte_carlo_error(samples: int, spread: float) -> float:
    """The standard error of one bound from MAX_RESAMPLES resamples: a normal's 2.5 % quantile."""
    return (
        math.sqrt(0.025 * 0.975 / MAX_RESAMPLES)
        / norm.pdf(ndtri(0.025))
        * spread
        / (math.sqrt(samples))
    )


@pytest.mark.parametrize("draw", ["normal", "exponential", "errors"])
def test_the_interval_of_a_mean_holds_its_level(draw: str) -> None:
    """Columns are data sets of 200 samples, so that one call has an interval for each."""
    random = np.random.default_rng(3)
    values, truth = {
        "normal": (random.normal(2, 3, (200, SIMULATED)), 2.0),
        "exponential": (random.exponential(1.0, (200, SIMULATED)), 1.0),
        "errors": (np.square(random.normal(0, 1, (200, SIMULATED))), 1.0),
    }[draw]
    covered = sum(covers(interval, truth) for interval in mean_intervals(values))
    assert binomtest(covered, SIMULATED, 0.95).pvalue > RARE


def test_the_bounds_are_scipys() -> None:
    values = np.random.default_rng(5).exponential(2.0, 300)
    (interval,) = mean_intervals(values[:, None])
    expected = scipy_bootstrap(
        (values,), np.mean, n_resamples=MAX_RESAMPLES, method="BCa", random_state=1
    ).confidence_interval
    error = math.sqrt(2) * monte_carlo_error(300, values.std())
    assert interval.value == values.mean()
    assert interval.low == pytest.approx(expected.low, abs=4 * error)
    assert interval.high == pytest.approx(expected.high, abs=4 * error)
    assert interval.how == "BCa bootstrap, 9,999 resamples"


def test_the_bounds_are_bca_of_the_resampled_means() -> None:
    """Written out, with the acceleration from the jackknife."""
    values = np.random.default_rng(6).gamma(1.5, 2.0, 40)
    means = bootstrap._resampled_means(values[:, None], MAX_RESAMPLES)[:, 0]
    left_out = np.array([np.delete(values, place).mean() for place in range(40)])
    gaps = left_out.mean() - left_out
    acceleration = (gaps**3).sum() / (6 * (gaps**2).sum() ** 1.5)
    bias = ndtri((means < values.mean()).mean())
    levels = [
        ndtr(bias + (bias + ndtri(p)) / (1 - acceleration * (bias + ndtri(p))))
        for p in (0.025, 0.975)
    ]
    (interval,) = mean_intervals(values[:, None])
    assert (interval.low, interval.high) == pytest.approx(np.quantile(means, levels), rel=1e-12)


def test_columns_are_resampled_alike_and_the_same_each_time() -> None:
    """So the interval of a difference is paired: it is empty where rows differ by a constant."""
    values = np.random.default_rng(7).normal(size=(100, 1))
    pair = np.hstack([values, values, values + 3])
    first, second, moved = mean_intervals(pair)
    assert first == second
    assert moved.low is not None
    assert moved.low - 3 == pytest.approx(first.low)
    assert mean_intervals(pair) == (first, second, moved)
    (alone,) = mean_intervals(values)
    assert (alone.low, alone.high) == pytest.approx((first.low, first.high), rel=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.25, 1e30])
def test_equal_values_have_an_interval_without_width(constant: float) -> None:
    (interval,) = mean_intervals(np.full((50, 1), constant))
    assert interval.low == interval.high == interval.value


def test_resamples_do_not_depend_on_how_many_are_held_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.arange(30.0)[:, None] ** 2
    whole = mean_intervals(values)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 700)
    assert mean_intervals(values) == whole


@pytest.mark.parametrize(
    ("samples", "count"),
    [(1, MAX_RESAMPLES), (10_000, MAX_RESAMPLES), (50_000, 4_000), (10**6, MIN_RESAMPLES)],
)
def test_many_samples_get_fewer_resamples(samples: int, count: int) -> None:
    assert resamples(samples) == count
    assert count == MIN_RESAMPLES or samples * count <= MAX_DRAWS


def spread(values: NDArray[np.float64], drawn: NDArray[np.intp]) -> float:
    return float(np.log(values[drawn].std()))


def test_the_interval_of_a_figure_of_the_whole_set_holds_its_level(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The logarithm of the standard deviation of 400 samples, and its paired difference to that
    of other samples that share half of their variance.
    """
    monkeypatch.setattr(bootstrap, "WHOLE_SET_RESAMPLES", (199,))
    random = np.random.default_rng(8)
    rounds = 300
    covered = [0, 0]
    for _ in range(rounds):
        shared = random.normal(size=400)
        base, this = (shared + random.normal(size=400) for _ in range(2))
        sets = (base, 2 * this)
        scores, differences = whole_set_intervals(
            [float(np.log(each.std())) for each in sets],
            (0, 0),
            lambda drawn, sets=sets: [spread(each, drawn) for each in sets],
            400,
            seconds=math.inf,
        )
        covered[0] += covers(scores[0], math.log(math.sqrt(2)))
        covered[1] += covers(differences[1], math.log(2))
        assert differences[0].value == differences[0].low == differences[0].high == 0
    for count in covered:
        assert binomtest(count, rounds, 0.95).pvalue > RARE


def test_the_bounds_of_a_whole_set_are_scipys_percentiles() -> None:
    values = np.random.default_rng(9).normal(size=500)
    (interval,), _ = whole_set_intervals(
        [spread(values, np.arange(500))],
        (0,),
        lambda drawn: [spread(values, drawn)],
        500,
        seconds=math.inf,
    )
    expected = scipy_bootstrap(
        (values,),
        lambda x, axis=-1: np.log(x.std(axis)),
        n_resamples=MAX_RESAMPLES,
        method="percentile",
        random_state=1,
    )
    fewer = math.sqrt(MAX_RESAMPLES / 999 + 1)  # of 999 resamples, and of SciPy's
    error = fewer * monte_carlo_error(1, expected.standard_error)
    assert interval.low == pytest.approx(expected.confidence_interval.low, abs=4 * error)
    assert interval.high == pytest.approx(expected.confidence_interval.high, abs=4 * error)
    assert interval.how == "percentile bootstrap, 999 resamples"


def test_a_slow_figure_gets_fewer_resamples_or_none() -> None:
    calls: list[int] = []

    def slow(drawn: NDArray[np.intp]) -> list[float]:
        calls.append(len(drawn))
        time.sleep(0.002)
        return [float(drawn.mean())]

    (interval,), _ = whole_set_intervals([2.0], (0,), slow, 5, seconds=0.001 * 199)
    assert len(calls) == 1
    assert (interval.value, interval.low, interval.high) == (2.0, None, None)
    assert interval.how == "too slow to resample"


@pytest.mark.parametrize(("undefined", "bounds"), [(0.02, True), (0.2, False)])
def test_a_figure_that_most_resamples_define_has_bounds(undefined: float, bounds: bool) -> None:
    random = np.random.default_rng(1)

    def figures(drawn: NDArray[np.intp]) -> list[float]:
        return [math.nan if random.random() < undefined else float(drawn.mean())]

    (interval,), _ = whole_set_intervals([2.0], (0,), figures, 5, seconds=math.inf)
    assert (interval.low is not None) == bounds
    assert ("undefined in" in interval.how) != bounds
