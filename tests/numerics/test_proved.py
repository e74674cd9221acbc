"""Shorter roundings against the exact one: on every sum, by bisection in fractions, and in C."""

from __future__ import annotations

import math
import shutil
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantbench.numerics.fixed_point import WORD, Multiplier, multiplier, rescaled
from quantbench.numerics.proved import Channels, Reals, Scaled, reals, scaled

DEPTHWISE, POINTWISE = (9, 40.0), (64, 40.0)
"""Taps, and the spread of their weights."""


def exact(acc: int, factor: Multiplier, first: int, last: int) -> int:
    """The rule itself: Python rounds a fraction half to even."""
    return min(max(round(acc * factor.value), first), last)


def one_channel(factor: Multiplier, low: int, high: int, first: int, last: int) -> Channels:
    m, s, least, most = (np.array([value]) for value in (factor.m, factor.s, low, high))
    return Channels(m, s, least, most, first, last)


def drawn(
    count: int, taps: int, spread: float, rng: np.random.Generator, first: int = 0, last: int = 255
) -> Channels:
    """Channels as quantizers write them, whose outputs fill most of their range."""
    weights = np.clip(np.rint(rng.normal(0, spread, (count, taps))), -127, 127).astype(np.int64)
    bias = rng.integers(-10_000, 10_000, count)
    real = rng.uniform(0.5, 2, count) / (spread * math.sqrt(taps))
    factors = [multiplier(Fraction(float(value)), "test") for value in real]
    return Channels(
        np.array([factor.m for factor in factors]),
        np.array([factor.s for factor in factors]),
        bias + 255 * np.minimum(weights, 0).sum(axis=1),
        bias + 255 * np.maximum(weights, 0).sum(axis=1),
        first,
        last,
    )


def bisected(factor: Multiplier, low: int, high: int, step: int) -> int:
    """The least accumulator of [low, high] that rounds to `step` or more; high + 1 without one."""
    high += 1
    while low < high:
        middle = (low + high) // 2
        if round(middle * factor.value) >= step:
            high = middle
        else:
            low = middle + 1
    return low


def by_integers(acc: int, forms: Scaled, shift: int, channels: Channels, c: int = 0) -> int:
    value = acc * int(forms.m[c]) + int(forms.half[c]) >> shift
    return min(max(value, channels.first), channels.last)


def by_float32(acc: int, forms: Reals, zero_point: int, channels: Channels, c: int = 0) -> int:
    """One multiplication and addition, rounded once to float32, then its integer part."""
    product = Fraction(float(np.float32(acc))) * Fraction(float(forms.factor[c]))
    value = math.trunc(to_float32(product + Fraction(float(forms.offset[c]))))
    return min(max(value - zero_point, channels.first), channels.last)


def to_float32(value: Fraction) -> Fraction:
    """The nearest number of 24 significant bits, ties to even."""
    if value == 0:
        return value
    exponent = math.floor(math.log2(abs(value))) - 23
    while abs(value) >= Fraction(2) ** (exponent + 24):
        exponent += 1
    while abs(value) < Fraction(2) ** (exponent + 23):
        exponent -= 1
    unit = Fraction(2) ** exponent
    return round(value / unit) * unit


factors = st.builds(
    Multiplier,
    m=st.one_of(
        st.integers(2**30, 2**31 - 1),
        st.sampled_from([0, 2**30, 3 * 2**29, 5 * 2**28, 2**31 - 1, 255 * 2**23]),
    ),
    s=st.integers(28, 44),
)
limits = st.tuples(st.integers(-255, 0), st.integers(0, 255))


@settings(max_examples=50, deadline=None)
@given(factors, st.integers(-(2**24), 2**24), st.integers(0, 150), limits, st.data())
def test_what_is_proved_is_the_exact_rounding_of_every_sum(
    factor: Multiplier, low: int, size: int, result: tuple[int, int], data: st.DataObject
) -> None:
    """Multipliers of few bits have ties, which the shorter forms must take to the even integer."""
    if data.draw(st.booleans()):  # around 0, where nothing is clamped
        low = -size // 2
    channels = one_channel(factor, low, low + size, *result)
    thresholds = channels.thresholds()
    zero_point = data.draw(st.integers(-result[0], 255))
    shift, centred = data.draw(st.integers(32, 53)), data.draw(st.booleans())
    forms = scaled(channels, thresholds, shift, centred=centred)
    real = reals(channels, thresholds, zero_point)
    for acc in range(low, low + size + 1):
        wanted = exact(acc, factor, *result)
        if forms.proved[0]:
            assert by_integers(acc, forms, shift, channels) == wanted
        if real.proved[0]:
            assert by_float32(acc, real, zero_point, channels) == wanted
    assert 0 <= forms.half[0] < 2**shift
    assert not centred or forms.half[0] == 2 ** (shift - 1)


@settings(max_examples=12, deadline=None)
@given(
    st.integers(2**30, 2**31 - 1), st.integers(1, 62), st.integers(-WORD, WORD - 1), limits,
    st.data(),
)  # fmt: skip
def test_thresholds_are_those_of_bisection(
    m: int, s: int, low: int, result: tuple[int, int], data: st.DataObject
) -> None:
    high = data.draw(st.integers(low, WORD - 1))
    factor = Multiplier(m=m, s=s)
    channels = one_channel(factor, low, high, *result)
    steps = range(result[0] + 1, result[1] + 1)
    assert channels.steps.tolist() == [*steps]
    assert channels.thresholds()[0].tolist() == [
        bisected(factor, low, high, step) for step in steps
    ]


@pytest.mark.parametrize(("taps", "spread"), [DEPTHWISE, POINTWISE, (4608, 40.0)])
def test_neighbours_of_thresholds_are_rounded_alike(taps: int, spread: float) -> None:
    """4,608 taps sum up beyond 2**24, where float32 doesn't hold each integer."""
    channels = drawn(15, taps, spread, np.random.default_rng(taps))
    thresholds = channels.thresholds()
    forms, real = scaled(channels, thresholds, 32), reals(channels, thresholds, 0)
    assert taps == 4608 or (forms.proved.any() and real.proved.any())
    for c, row in enumerate(thresholds):
        factor = Multiplier(m=int(channels.m[c]), s=int(channels.s[c]))
        low, high = int(channels.low[c]), int(channels.high[c])
        near = {int(t) + d for t in row[::5] for d in (-1, 0, 1)} | {low, high}
        for acc in sorted(acc for acc in near if low <= acc <= high):
            wanted = exact(acc, factor, 0, 255)
            if forms.proved[c]:
                assert by_integers(acc, forms, 32, channels, c) == wanted
            if real.proved[c]:
                assert by_float32(acc, real, 0, channels, c) == wanted


def test_one_sum_that_differs_leaves_a_channel_unproved() -> None:
    """Of acc 3/32 the sums -16, 16 and 48 are at ties, which go down, up and down.

    Integers serve any two of them, float32 one; an interval of one sum more has all three.
    """
    factor = Multiplier(m=3 * 2**29, s=34)
    for low, high, ties in ((-15, 47, 1), (-15, 48, 2), (-16, 47, 2), (-16, 48, 3)):
        channels = one_channel(factor, low, high, -50, 50)
        thresholds = channels.thresholds()
        for shift in (32, 34):
            assert scaled(channels, thresholds, shift).proved.all() == (ties < 3)
        assert reals(channels, thresholds, 60).proved.all() == (ties < 2)


def test_results_below_0_have_no_integer_part_for_a_floor() -> None:
    channels = one_channel(Multiplier(m=2**30 + 1, s=40), -100, 100, -50, 50)
    with pytest.raises(ValueError, match="negative"):
        reals(channels, channels.thresholds(), 49)


def test_multipliers_that_the_shift_cannot_hold_are_unproved() -> None:
    large = one_channel(Multiplier(m=2**30 + 1, s=29), -50, 50, -100, 100)
    assert not scaled(large, large.thresholds(), 32).proved.any()
    nothing = one_channel(Multiplier(m=0, s=1), -WORD, WORD - 1, -3, 100)
    assert scaled(nothing, nothing.thresholds(), 32).proved.all()
    assert reals(nothing, nothing.thresholds(), 7).proved.all()


def test_ten_thousand_channels_take_less_than_a_second() -> None:
    channels = drawn(10_000, *DEPTHWISE, np.random.default_rng(0))
    begin = time.process_time()
    thresholds = channels.thresholds()
    forms = scaled(channels, thresholds, 32)
    real = reals(channels, thresholds, 0)
    assert time.process_time() - begin < 2  # of a machine that does other things as well
    assert forms.proved.mean() > 0.99
    assert real.proved.mean() > 0.99


PROBE = """
#include <math.h>
#include <stdint.h>
#include <stdio.h>
int main(void)
{
    long low, high, m, s;
    float factor, offset;
    while (scanf("%ld %ld %ld %ld %f %f", &low, &high, &m, &s, &factor, &offset) == 6) {
        long wrong = 0;
        for (long acc = low; acc <= high; acc++) {
            const long product = acc * m, k = product >> s;
            long wanted = (product + (1L << (s - 1)) - 1 + (k & 1)) >> s;
            wanted = wanted < 0 ? 0 : wanted > 255 ? 255 : wanted;
            const long q = (long)fmaf((float)(int32_t)acc, factor, offset);
            wrong += (q < 0 ? 0 : q > 255 ? 255 : q) != wanted;
        }
        printf("%ld\\n", wrong);
    }
    return 0;
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
def test_c_gives_the_exact_rounding_of_every_sum_of_proved_channels(tmp_path: Path) -> None:
    channels = drawn(30, *DEPTHWISE, np.random.default_rng(5))
    real = reals(channels, channels.thresholds(), 0)
    source = tmp_path / "probe.c"
    source.write_text(PROBE, encoding="utf-8")
    program = tmp_path / "probe"
    subprocess.run(["gcc", "-O2", "-o", program, source, "-lm"], check=True)
    columns = (channels.low, channels.high, channels.m, channels.s, real.factor, real.offset)
    rows = [
        " ".join(format(value, ".9g") if isinstance(value, float) else str(value) for value in row)
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
    answer = subprocess.run(
        [program], input="\n".join(rows), capture_output=True, text=True, check=True
    )
    wrong = np.array([int(line) for line in answer.stdout.split()])
    assert real.proved.sum() > 25
    assert not wrong[real.proved].any()


def test_the_rule_is_that_of_rescaled() -> None:
    """Python's rounding of fractions is that of the function which the interpreter runs."""
    channels = drawn(5, *DEPTHWISE, np.random.default_rng(7))
    acc = np.linspace(-300_000, 300_000, 41).astype(np.int64)
    for m, s in zip(channels.m.tolist(), channels.s.tolist(), strict=True):
        wanted = [round(value * Multiplier(m=m, s=s).value) for value in acc.tolist()]
        assert rescaled(acc, m, s).tolist() == wanted
