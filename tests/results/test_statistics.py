from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.results.statistics import (
    discordant,
    mcnemar,
    mcnemar_verdict,
    paired_difference,
    wilson,
)


def wilson_by_hand(correct: int, images: int) -> tuple[float, float]:
    """Wilson (1927), written out."""
    z, p, n = 1.959963984540054, correct / images, images
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def mcnemar_by_hand(a: int, b: int) -> float:
    """Twice the smaller tail of a fair coin, in whole numbers until the last division."""
    tail = sum(math.comb(a + b, k) for k in range(min(a, b) + 1))
    return min(1.0, 2 * tail / 2 ** (a + b))


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    correct: int, images: int, low: float, high: float
) -> None:
    interval = wilson(correct, images)
    assert round(interval.low, 4) == low
    assert round(interval.high, 4) == high


@given(st.integers(1, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_its_formula_and_holds_the_value(counts: tuple[int, int]) -> None:
    correct, images = counts
    interval = wilson(correct, images)
    low, high = wilson_by_hand(correct, images)
    assert interval.value == correct / images
    assert interval.low == pytest.approx(low, abs=1e-12)
    assert interval.high == pytest.approx(high, abs=1e-12)
    assert 0 <= interval.low <= interval.value <= interval.high <= 1


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_mirrors(counts: tuple[int, int]) -> None:
    correct, images = counts
    interval, mirrored = wilson(correct, images), wilson(images - correct, images)
    assert interval.low == pytest.approx(1 - mirrored.high, abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),
        (0, 5, 2 / 2**5),
        (5, 15, 2 * 21_700 / 2**20),  # 1 + 20 + 190 + 1140 + 4845 + 15504
        (1, 8, 2 * 10 / 2**9),
        (10, 10, 1.0),
        (0, 10, 2 / 2**10),
    ],
)
def test_mcnemar_by_hand(a: int, b: int, p: float) -> None:
    assert mcnemar(a, b) == pytest.approx(p, rel=1e-12)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_exact_and_symmetric(a: int, b: int) -> None:
    assert mcnemar(a, b) == pytest.approx(mcnemar_by_hand(a, b), rel=1e-9)
    assert mcnemar(a, b) == mcnemar(b, a)
    assert 0 < mcnemar(a, b) <= 1


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_discordant_counts_each_side_alone(pairs: list[tuple[bool, bool]]) -> None:
    a, b = (np.array([pair[i] for pair in pairs], bool) for i in (0, 1))
    only_a, only_b = discordant(a, b)
    assert only_a == pairs.count((True, False))
    assert only_b == pairs.count((False, True))
    assert a.sum() - b.sum() == only_a - only_b


@pytest.mark.parametrize(
    ("both", "only_this", "only_float", "neither", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 2635-2650, method 10.
        (36, 12, 2, 0, 0.0569, 0.3404),
        (18, 12, 2, 18, 0.0562, 0.3290),
        (53, 0, 0, 1, -0.0729, 0.0729),
        (0, 30, 0, 0, 0.8395, 1.0),
    ],
)
def test_paired_difference_gives_the_published_intervals(
    both: int, only_this: int, only_float: int, neither: int, low: float, high: float
) -> None:
    interval = paired_difference(both, only_this, only_float, neither)
    assert interval.value == (only_this - only_float) / (both + only_this + only_float + neither)
    assert interval.low == pytest.approx(low, abs=6e-5)
    assert interval.high == pytest.approx(high, abs=6e-5)


COUNT = st.integers(0, 5000)


@given(COUNT, COUNT, COUNT, st.integers(1, 5000))
def test_paired_difference_turns_over_and_stays_in_range(a: int, b: int, c: int, d: int) -> None:
    difference, reverse = paired_difference(a, b, c, d), paired_difference(a, c, b, d)
    assert difference.value == -reverse.value
    assert difference.low == pytest.approx(-reverse.high, abs=1e-12)
    assert -1 - 1e-12 <= difference.low <= difference.value <= difference.high <= 1 + 1e-12


def test_paired_difference_comes_near_walds_interval_with_many_images() -> None:
    """Wald: 1.96 sqrt(b + c - (b - c)^2 / n) / n, of 600 and 400 discordant images."""
    half = 1.959964 * math.sqrt(1000 - 200**2 / 100_000) / 100_000
    interval = paired_difference(60_000, 600, 400, 39_000)
    assert interval.low == pytest.approx(0.002 - half, abs=1e-5)
    assert interval.high == pytest.approx(0.002 + half, abs=1e-5)


@pytest.mark.parametrize(
    ("lost", "gained", "p", "word"),
    [
        (40, 10, 0.05, "not resolved"),
        (40, 10, 0.0499, "worse"),
        (10, 40, 0.0499, "better"),
    ],
)
def test_right_and_wrong_are_judged_below_five_per_cent(
    lost: int, gained: int, p: float, word: str
) -> None:
    assert mcnemar_verdict(lost, gained, p) == word
