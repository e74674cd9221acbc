"""The rules of docs/arithmetic.md, against exact fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import (
    LARGEST_SHIFT,
    MULTIPLIER_BITS,
    WORD,
    accumulator_bounds,
    common_multipliers,
    exact,
    folded_bias,
    multiplier,
    nearest_shift,
    require_word,
    rescaled,
)

HALF = Fraction(1, 2)
accumulators = st.one_of(st.integers(-WORD, WORD - 1), st.sampled_from([-WORD, WORD - 1, -1, 0, 1]))
multipliers = st.one_of(
    st.integers(2**30, 2**31 - 1), st.sampled_from([0, 2**30, 2**30 + 1, 2**31 - 1])
)
shifts = st.integers(1, LARGEST_SHIFT)
factors = st.builds(
    lambda m, s: Fraction(m) * Fraction(2) ** s, st.integers(1, 2**60), st.integers(-140, -31)
)


@given(accumulators, multipliers, shifts)
def test_one_rounding_half_to_even_of_the_exact_product(acc: int, m: int, s: int) -> None:
    """As Python rounds a fraction."""
    assert int(rescaled(np.array([acc]), m, s)[0]) == round(Fraction(acc * m, 2**s))


@given(st.integers(-(2**30), 2**30 - 1))
def test_a_tie_goes_to_the_even_integer(below: int) -> None:
    """m = 2**30: an odd multiple of half a step, which float64 holds and NumPy rounds."""
    acc = 2 * below + 1
    assert int(rescaled(np.array([acc]), 2**30, 31)[0]) == np.rint(acc / 2)


@pytest.mark.parametrize("s", [1, 31, 62])
@pytest.mark.parametrize("acc", [-WORD, WORD - 1])
def test_the_largest_products_do_not_overflow(acc: int, s: int) -> None:
    expected = round(Fraction(acc * (2**31 - 1), 2**s))
    assert int(rescaled(np.array([acc]), 2**31 - 1, s)[0]) == expected


@given(factors)
def test_a_multiplier_is_off_by_no_more_than_its_last_bit(real: Fraction) -> None:
    found = multiplier(real, "a layer")
    if real < Fraction(1, 2**32):
        assert (found.m, found.s) == (0, 1)
    else:
        assert abs(found.value / real - 1) <= Fraction(1, 2**MULTIPLIER_BITS)
        assert 2**30 <= found.m < 2**31
        assert 1 <= found.s <= LARGEST_SHIFT


@given(accumulators, factors)
def test_the_product_is_off_by_half_a_step_and_what_the_multiplier_is(
    acc: int, real: Fraction
) -> None:
    found = multiplier(real, "a layer")
    got = int(rescaled(np.array([acc]), found.m, found.s)[0])
    assert abs(got - acc * real) <= HALF + abs(acc) * real / 2**31


@pytest.mark.parametrize("exponent", [-32, -31, -30, -1, 0, 1, 29])
@pytest.mark.parametrize("bit", [0, 1])
def test_powers_of_two_are_held_exactly(exponent: int, bit: int) -> None:
    real = Fraction(2) ** exponent * (1 + Fraction(bit, 2**30))
    assert multiplier(real, "a layer").value == real


def test_what_rounds_to_zero_for_every_accumulator_is_held_as_zero() -> None:
    tiny = Fraction(1, 2**32) - Fraction(1, 2**100)
    found = multiplier(tiny, "a layer")
    assert (found.m, found.s) == (0, 1)
    for acc in (-WORD, WORD - 1):
        assert round(acc * tiny) == 0
        assert int(rescaled(np.array([acc]), found.m, found.s)[0]) == 0


@pytest.mark.parametrize(
    "real", [Fraction(2**30), Fraction(2**40), Fraction(2**30) - Fraction(1, 2**10)]
)
def test_a_factor_that_cannot_be_held_is_refused(real: Fraction) -> None:
    with pytest.raises(CompileError, match="a layer: its output's scale is"):
        multiplier(real, "a layer")


def test_a_negative_factor_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="negative factor"):
        multiplier(Fraction(-1), "a layer")


sums = st.builds(
    lambda m, s: Fraction(m) * Fraction(2) ** s, st.integers(1, 2**40), st.integers(-110, -26)
)


@pytest.mark.parametrize("factors", [(2**15, Fraction(1, 7)), (1, 2**20)])
def test_a_factor_of_a_sum_that_is_too_large_is_refused(factors: tuple[int, int]) -> None:
    with pytest.raises(CompileError, match=r"a sum: its output's scale is .* times too small"):
        common_multipliers(Fraction(factors[0]), Fraction(factors[1]), "a sum")


@given(st.integers(-255, 255), st.integers(-255, 255), sums, sums)
def test_a_sum_of_two_is_off_by_half_a_step_and_no_more_than_its_multipliers(
    one: int, other: int, a: Fraction, b: Fraction
) -> None:
    m1, m2, s = common_multipliers(a, b, "a sum")
    assert 0 <= m1 < 2**30
    assert 0 <= m2 < 2**30
    assert 15 <= s <= 39
    assert abs(one * m1 + other * m2) < 2**39
    got = int(nearest_shift(np.array(one * m1 + other * m2), s))
    assert got == round(Fraction(one * m1 + other * m2, 2**s))
    assert abs(got - (one * a + other * b)) <= HALF + Fraction(255, 2**29) * max(a, b)


@given(
    st.lists(st.integers(-255, 255), min_size=1, max_size=5),
    st.integers(-1000, 1000),
    st.sampled_from([(0, 255), (-128, 127)]),
    st.randoms(use_true_random=False),
)
def test_no_sum_in_any_order_passes_the_bounds(
    weights: list[int], start: int, limits: tuple[int, int], random: object
) -> None:
    """Brute force over the ends of every input, and over every order of adding."""
    low, high, most = accumulator_bounds(np.array([start]), np.array([weights], np.int64), *limits)
    totals, partial = [], []
    for inputs in itertools.product(limits, repeat=len(weights)):
        terms = [q * w for q, w in zip(inputs, weights, strict=True)]
        totals.append(start + sum(terms))
        for count in range(len(terms) + 1):
            for chosen in itertools.combinations(terms, count):
                partial += [sum(chosen), start + sum(chosen)]
    assert (min(totals), max(totals)) == (int(low[0]), int(high[0]))
    assert max(map(abs, partial)) <= int(most[0])


@given(st.lists(st.integers(-255, 255), min_size=1, max_size=6), st.integers(-128, 255))
def test_the_folded_bias_is_what_the_zero_point_adds(weights: list[int], zero: int) -> None:
    rng = np.random.default_rng(len(weights))
    q = rng.integers(-128, 256, len(weights))
    (start,) = folded_bias([Fraction(7, 2)], np.array([weights], np.int64), [zero])
    whole = sum(int(a - zero) * w for a, w in zip(q, weights, strict=True))
    assert start + sum(int(a) * w for a, w in zip(q, weights, strict=True)) == 4 + whole


def test_a_word_is_the_limit() -> None:
    require_word(WORD - 1, "a layer")
    with pytest.raises(CompileError, match="a layer: its sums may reach 2,147,483,648"):
        require_word(WORD, "a layer")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_numbers_are_exact(value: float) -> None:
    with pytest.raises(ValueError, match="is no number"):
        exact(value)
