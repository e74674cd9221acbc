from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from quantbench.results.records import Interval
from quantbench.results.statistics import (
    difference_p,
    discordant,
    falls_short,
    holm,
    mcnemar,
    mcnemar_verdict,
    paired_difference,
    score_verdict,
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


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        # statsmodels 0.15.0, multipletests(values, method="holm")[1]
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        (
            [0.5, 0.0001, 0.02, 0.02, 0.9, 0.011, 1.0],
            [1.0, 0.0007, 0.1, 0.1, 1.0, 0.066, 1.0],
        ),
        ([0.3, 0.3, 0.3], [0.9, 0.9, 0.9]),
        ([0.04], [0.04]),
        ([], []),
    ],
)
def test_holm_adjusts_as_statsmodels_does(values: list[float], adjusted: list[float]) -> None:
    assert holm(values) == pytest.approx(adjusted, rel=1e-12)


def test_holm_keeps_the_error_of_all_tests_within_its_level() -> None:
    """Ten tests of nothing, 4,000 times: one claim or more in at most 5 % (99.9 % bound)."""
    random = np.random.default_rng(1979)
    wrong = sum(min(holm(row)) < 0.05 for row in random.uniform(size=(4000, 10)).tolist())
    assert wrong <= binom.ppf(0.999, 4000, 0.05)
    assert wrong >= binom.ppf(0.001, 4000, 1 - 0.995**10)  # not for want of claims


@given(
    st.floats(-3, 3),
    st.floats(0.01, 2),
    st.floats(0, 1),
)
def test_the_p_of_a_normal_estimate_is_the_normal_tails(
    value: float, error: float, margin: float
) -> None:
    """Twice the smaller tail of the estimate's distribution beyond the margin, by scipy."""
    low, high = norm.interval(0.95, loc=value, scale=error)
    p = difference_p(Interval(value=value, low=low, high=high, how=""), margin)
    if abs(value) <= margin:
        assert p == 1
    else:
        side = math.copysign(margin, value)
        tail = norm.cdf(side, value, error) if value > 0 else norm.sf(side, value, error)
        assert p == pytest.approx(2 * tail, rel=1e-6)


def test_the_half_of_an_interval_that_faces_zero_counts() -> None:
    skewed = Interval(value=1.0, low=0.02, high=9.0, how="")
    assert difference_p(skewed) == pytest.approx(2 * norm.sf(1.96 / 0.98), rel=1e-3)
    mirrored = Interval(value=-1.0, low=-9.0, high=-0.02, how="")
    assert difference_p(mirrored) == difference_p(skewed)


def test_an_estimate_without_spread_is_certain_and_one_without_interval_is_unknown() -> None:
    assert difference_p(Interval(value=0.1, low=0.1, high=0.1, how="")) == 0
    assert difference_p(Interval(value=0.0, low=0.0, high=0.0, how="")) == 1
    assert difference_p(Interval(value=0.1, low=None, high=None, how="slow")) is None


@pytest.mark.parametrize(
    ("low", "high", "p", "verdict"),
    [
        (-0.5, -0.1, 0.01, "worse"),
        (0.1, 0.5, 0.01, "better"),
        (-0.5, -0.1, 0.05, "not resolved"),
        (-0.009, 0.009, None, "equivalent"),
        (-0.009, -0.001, 0.2, "equivalent"),
        (-0.009, -0.001, 0.04, "worse"),
        (-0.01, 0.0, None, "not resolved"),
        (0.0, 0.01, 1.0, "not resolved"),
        (None, None, None, "not judged"),
    ],
)
def test_a_score_is_judged_by_its_p_and_then_by_what_is_equivalent(
    low: float | None, high: float | None, p: float | None, verdict: str
) -> None:
    value = 0.0 if low is None or high is None else (low + high) / 2
    difference = Interval(value=value, low=low, high=high, how="")
    judged = score_verdict(difference, p, higher_is_better=True, equivalent=0.01)
    assert judged == verdict
    turned = {"worse": "better", "better": "worse"}
    less = score_verdict(difference, p, higher_is_better=False, equivalent=0.01)
    assert less == turned.get(verdict, verdict)


@pytest.mark.parametrize(
    ("low", "high", "margin", "higher", "lower"),
    [
        (-0.5, -0.1, 0.0, True, False),
        (-0.5, -0.1, 0.1, False, False),
        (-0.5, 0.0, 0.0, False, False),
        (0.1, 0.5, 0.0, False, True),
        (0.1, 0.5, 0.2, False, False),
        (None, None, 0.0, False, False),
    ],
)
def test_a_score_falls_short_where_all_of_its_interval_does(
    low: float | None, high: float | None, margin: float, higher: bool, lower: bool
) -> None:
    difference = Interval(value=0.0, low=low, high=high, how="")
    assert falls_short(difference, True, margin) == higher
    assert falls_short(difference, False, margin) == lower
