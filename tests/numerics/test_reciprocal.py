"""The corrected product against exact fractions, and against division."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantbench.numerics.reciprocal import corrected, reciprocal

scales = st.floats(2.0**-20, 2.0**10, width=32).map(np.float32)
values = st.floats(-(2.0**12), 2.0**12, width=32, allow_subnormal=False).map(np.float32)


def rounded(exact: Fraction) -> np.float32:
    """The float32 nearest to a fraction, and the even one of two."""
    guess = np.float32(float(exact))
    around = [np.nextafter(guess, np.float32(end)) for end in (-np.inf, guess, np.inf)]

    def distance(x: np.float32) -> tuple[Fraction, int]:
        return abs(Fraction(float(x)) - exact), int(x.view(np.int32)) & 1

    return min(around, key=distance)


@given(values, scales)
def test_each_step_is_rounded_once(value: np.float32, scale: np.float32) -> None:
    r = np.float32(1) / scale
    x, s = Fraction(float(value)), Fraction(float(scale))
    near = Fraction(float(value * r))
    rest = Fraction(float(rounded(x - near * s)))
    result = corrected(np.array([value]), scale, r)
    if result is not None:
        assert result[0] == rounded(near + rest * Fraction(float(r)))


@given(scales, st.integers(0, 255), st.integers(0, 2**16))
def test_integers_are_those_of_division(scale: np.float32, zero_point: int, seed: int) -> None:
    factor = reciprocal(float(scale), zero_point)
    if factor is None:
        return
    reals = np.random.default_rng(seed).uniform(-zero_point, 255 - zero_point, 1000)
    inputs = (reals * float(scale)).astype(np.float32)
    quotients = corrected(inputs, scale, np.float32(factor))
    if quotients is not None:
        assert np.array_equal(np.rint(quotients), np.rint(inputs / scale))


def test_what_has_a_proof() -> None:
    """Nearly every scale; none at which a step would leave the range of float32."""
    drawn = np.random.default_rng(1).uniform(1e-4, 0.1, 100).astype(np.float32)
    assert sum(reciprocal(float(scale), 100) is not None for scale in drawn) > 95
    assert reciprocal(2.0**-61, 0) is None
    assert reciprocal(0.25, 7) == 4.0
