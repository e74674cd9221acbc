from __future__ import annotations

import numpy as np
import pytest

from quantbench.explain.profiling.call_cost import call_cost, intercept


def test_operators_and_call_sum_to_the_unprofiled_time() -> None:
    for profiled, operators in ((130.0, (40.0, 90.0)), (105.0, (40.0, 30.0)), (90.0, (10.0, 5.0))):
        cost = call_cost(100.0, profiled, operators, {1: 100.0, 8: 700.0})
        assert cost.us + cost.scale * sum(operators) == pytest.approx(100.0)
        assert 0 <= cost.low <= cost.us <= cost.high <= 100.0


def test_a_profiler_that_costs_nothing_tells_the_call_exactly() -> None:
    cost = call_cost(100.0, 100.0, (60.0, 25.0), {1: 100.0, 2: 190.0})
    assert cost.us == pytest.approx(15.0)
    assert cost.scale == pytest.approx(1.0)


def test_operators_that_the_profiler_made_slower_are_scaled_down() -> None:
    """The line, which the profiler doesn't touch, bounds the call where the profile can't."""
    cost = call_cost(35.0, 90.0, (30.0, 28.0), {1: 35.0, 2: 60.0, 4: 110.0, 8: 210.0})
    assert (cost.low, cost.high) == (0.0, pytest.approx(10.0))
    assert cost.us == pytest.approx(5.0)
    assert cost.scale == pytest.approx(30 / 58)
    assert cost.unscaled == pytest.approx(63.0)


def test_reading_weights_at_each_call_is_not_the_calls_own_cost() -> None:
    """A network of large matrices takes as long for one sample as for two: see intercept."""
    cost = call_cost(100.0, 102.0, (95.0,), {1: 100.0, 2: 102.0, 4: 104.0})
    assert cost.us <= 7.0


def test_the_line_is_numpys_where_all_times_weigh_alike() -> None:
    batches = np.array([1.0, 2.0, 4.0, 8.0])
    times = 12.0 + 5.0 * batches
    slope, expected = np.polyfit(batches, times, 1)
    assert intercept(dict(zip(batches.astype(int), times, strict=True))) == pytest.approx(expected)
    noisy = times * np.array([1.02, 0.99, 1.01, 0.98])
    weighted = np.polynomial.Polynomial.fit(batches, noisy, 1, w=1 / noisy).convert().coef[0]
    found = intercept(dict(zip(batches.astype(int), noisy, strict=True)))
    assert found == pytest.approx(weighted)
    assert slope == pytest.approx(5.0)


def test_a_line_never_goes_below_zero() -> None:
    assert intercept({1: 10.0, 2: 25.0, 4: 60.0}) == 0.0
