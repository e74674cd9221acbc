"""Batches of any size, for runtimes that take another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from quantbench.export.batching import answer, at_most, exactly
from quantbench.samples.records import Array, Arrays

A, B = np.arange(14.0).reshape(7, 2), np.arange(7.0)


def summed(sizes: list[int]) -> Callable[..., Array]:
    def predict(a: Array, b: Array) -> Array:
        sizes.append(len(a))
        return np.asarray(a.sum(1) + b)

    return predict


def both(a: Array, b: Array) -> Arrays:
    return a * 2, b + 1


@pytest.mark.parametrize(("size", "calls"), [(7, [7]), (9, [7]), (3, [3, 3, 1])])
def test_at_most(size: int, calls: list[int]) -> None:
    sizes: list[int] = []
    np.testing.assert_array_equal(at_most(summed(sizes), size)(A, B), A.sum(1) + B)
    assert sizes == calls


@pytest.mark.parametrize(("size", "calls"), [(7, [7]), (9, [9]), (3, [3, 3, 3]), (1, [1] * 7)])
def test_exactly(size: int, calls: list[int]) -> None:
    sizes: list[int] = []
    np.testing.assert_array_equal(exactly(summed(sizes), size)(A, B), A.sum(1) + B)
    assert sizes == calls


@pytest.mark.parametrize("wrap", [at_most, exactly])
def test_several_outputs_stay_apart(wrap: Callable[..., Callable[..., Arrays]]) -> None:
    doubled, more = wrap(both, 2)(A, B)
    np.testing.assert_array_equal(doubled, A * 2)
    np.testing.assert_array_equal(more, B + 1)


def test_one_output_is_an_array_and_several_are_a_tuple() -> None:
    assert answer([A]) is A
    assert answer([A, B]) == (A, B)
