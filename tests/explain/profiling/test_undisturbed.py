from __future__ import annotations

import numpy as np

from quantbench.explain.profiling.undisturbed import undisturbed


def test_calls_that_something_disturbed_do_not_count() -> None:
    rng = np.random.default_rng(0)
    calls = np.array([[10.0, 20.0, 5.0]]) + rng.uniform(0, 0.1, (40, 3))
    calls[::3] += rng.exponential(200.0, (14, 3))
    np.testing.assert_allclose(undisturbed(calls), [10.0, 20.0, 5.0], atol=0.11)


def test_the_parts_sum_to_the_whole() -> None:
    calls = np.random.default_rng(0).exponential(10.0, (23, 7))
    whole = undisturbed(calls.sum(axis=1))
    np.testing.assert_allclose(undisturbed(calls).sum(), whole)


def test_whole_microseconds_are_resolved_further() -> None:
    true = np.random.default_rng(0).uniform(2.2, 3.2, (4000, 1))
    assert abs(float(undisturbed(np.floor(true + 0.5))[0]) - 2.0) < 0.05
    assert undisturbed(np.array([[4.0]])) == 4.0
