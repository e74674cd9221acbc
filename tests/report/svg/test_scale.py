"""Scales and their ticks."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.report.svg.scale import Scale, covering, tick_text

VALUES = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3))


def test_a_scale_maps_its_ends_to_its_pixels():
    linear = Scale(10, 20, 100, 300)
    assert [linear.at(value) for value in (10, 15, 20)] == [100, 200, 300]
    log = Scale(1, 100, 300, 100, log=True)
    assert [log.at(value) for value in (1, 10, 100)] == pytest.approx([300, 200, 100])


@given(VALUES, st.floats(1e-2, 1e6), st.integers(4, 12))
def test_linear_ticks_are_few_round_and_within(low, part, most):
    span = part * max(1.0, abs(low)) / 100
    ticks = Scale(low, low + span, 0, 100).ticks(most)
    assert 2 <= len(ticks) <= most
    assert all(low - 1e-6 * span <= tick <= low + span + 1e-6 * span for tick in ticks)
    gaps = [b - a for a, b in pairwise(ticks)]
    assert gaps == pytest.approx([gaps[0]] * len(gaps), rel=1e-4)
    digits = gaps[0] / 10.0 ** math.floor(math.log10(gaps[0] * 1.0001))
    assert min(abs(digits - round_) for round_ in (1, 2, 2.5, 5)) < 1e-3


@given(st.floats(1e-6, 1e6), st.floats(1.1, 1e9), st.integers(3, 12))
def test_logarithmic_ticks_are_few_and_within(low, factor, most):
    ticks = Scale(low, low * factor, 0, 100, log=True).ticks(most)
    assert len(ticks) <= most
    assert all(low * (1 - 1e-6) <= tick <= low * factor * (1 + 1e-6) for tick in ticks)
    assert list(ticks) == sorted(set(ticks))


def test_ticks_of_a_scale_have_different_texts():
    for scale in (Scale(99.28, 99.62, 0, 1), Scale(0.0001, 0.00037, 0, 1), Scale(-2.5, 2.5, 0, 1)):
        texts = [text for _, text in scale.labelled(6)]
        assert len(texts) == len({*texts}) > 2
        assert [float(text) for text in texts] == [tick for tick, _ in scale.labelled(6)]


def test_texts_of_ticks():
    assert [tick_text(*pair) for pair in ((0, 1), (1000, 100), (0.25, 0.05), (99.5, 0.1))] == [
        "0", "1,000", "0.25", "99.5",
    ]  # fmt: skip
    assert tick_text(2_500_000, 1e6) == "2.5e6"
    assert tick_text(0.00002, 0.00001) == "2.0e-5"


def test_what_covers_nothing_or_one_value_is_a_scale_still():
    for scale in (covering((), 0, 100), covering((5.0,), 0, 100), covering((5.0,), 0, 9, log=True)):
        assert scale.high > scale.low
        assert scale.ticks(4)
    assert covering((float("nan"), 1.0, 3.0), 0, 1).low < 1
    assert covering((0.0, 1.0, 3.0), 0, 1, log=True).low > 0
