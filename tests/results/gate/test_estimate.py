from __future__ import annotations

import pytest

from quantbench.results.gate.estimate import (
    Estimate,
    Outcome,
    decide,
    estimate_of,
    exactly,
    rate_change,
    time_change,
    unpaired_difference,
)
from quantbench.results.records import Interval, Ratio
from quantbench.results.statistics import wilson

PASS, FAIL, OPEN = Outcome.PASS, Outcome.FAIL, Outcome.NOT_RESOLVED


@pytest.mark.parametrize(
    ("low", "high", "if_above", "if_below"),
    [(1, 2, PASS, FAIL), (4, 5, FAIL, PASS), (2, 4, OPEN, OPEN), (3, 3, PASS, PASS),
     (2, 3, PASS, OPEN), (3, 4, OPEN, PASS)],
)  # fmt: skip
def test_an_interval_beside_a_limit_of_3(
    low: float, high: float, if_above: Outcome, if_below: Outcome
) -> None:
    estimate = Estimate((low + high) / 2, low, high)
    assert decide(estimate, 3, above=True) is if_above
    assert decide(estimate, 3, above=False) is if_below


def ratio(value: float, low: float, high: float) -> Ratio:
    return Ratio(
        baseline="a", batch=1, threads=1, kind="model", value=value, low=low, high=high,
        starts=1, floor=0.03, verdict="slower",
    )  # fmt: skip


def test_a_ratio_of_times_as_a_change() -> None:
    slower = ratio(0.8, 0.5, 1.25)  # A takes 0.8 of B's time: B takes 1.25 of A's
    time, rate = time_change(slower), rate_change(slower)
    assert (time.value, time.low, time.high) == pytest.approx((0.25, -0.2, 1.0))
    assert (rate.value, rate.low, rate.high) == pytest.approx((-0.2, -0.5, 0.25))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_newcombes_own_examples(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Table II of Statistics in Medicine 17 (1998) 873-890, the rows of method 10."""
    b, a = estimate_of(wilson(*first)), estimate_of(wilson(*second))
    assert a is not None
    assert b is not None
    difference = unpaired_difference(a, b)
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=5e-5)


def test_an_interval_without_bounds_is_no_estimate() -> None:
    assert estimate_of(Interval(value=1, low=None, high=None, how="")) is None
    assert estimate_of(None) is None
    assert exactly(2).is_exact
    assert not Estimate(2, 1, 3).is_exact
