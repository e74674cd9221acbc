"""Sums of errors against what theory says of uniform rounding, and against NumPy at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from quantbench.explain.error.output_format import OutputFormat
from quantbench.explain.error.sums import BINS, MAX_DB, Counts, ErrorSums, Spread, decibels

RNG = np.random.default_rng(0)


def uniform(bits: int, span: float = 1.0) -> OutputFormat:
    """Unsigned integers over [-span, span)."""
    levels = 1 << bits
    zero = np.array([levels / 2 - 0.5])
    return OutputFormat(np.array([2 * span / levels]), zero, 0, levels - 1)


def rounded(format: OutputFormat, values: NDArray[np.float64]) -> NDArray[np.int64]:
    integers = np.rint(values / format.scale + format.zero)
    return np.clip(integers, format.least, format.greatest).astype(np.int64)


@pytest.mark.parametrize("bits", [4, 8])
def test_uniform_noise_is_six_decibels_a_bit(bits: int) -> None:
    """Signal power A^2 / 3 over noise D^2 / 12, D = 2 A / 2^n: 20 n log10(2)."""
    format, values = uniform(bits), RNG.uniform(-1, 1, (4000, 50))
    integers = rounded(format, values)
    sums = ErrorSums(format, 1)
    sums.add(values, integers, integers)
    error = sums.result("layer", "Linear")
    assert error.sqnr_db == pytest.approx(20 * bits * np.log10(2), abs=0.05)
    assert error.made_db == pytest.approx(error.sqnr_db)
    assert error.channel_db == pytest.approx(error.sqnr_db, abs=0.3)
    assert 0.49 < error.largest_steps <= 0.5 + 1e-9
    assert (error.levels_used, error.levels) == (1 << bits, 1 << bits)
    assert error.clipped == 0


def test_batches_add_up_to_the_whole() -> None:
    format, values = uniform(8), RNG.normal(0, 0.3, (60, 4, 5))
    given, made = rounded(format, values * 1.1), rounded(format, values)
    sums, parts = ErrorSums(format, 1), ErrorSums(format, 1)
    sums.add(values, given, made)
    for start in range(0, 60, 7):
        part = slice(start, start + 7)
        parts.add(values[part], given[part], made[part])
    whole, added = (s.result("a", "Conv").model_dump() for s in (sums, parts))
    assert added == pytest.approx(whole)
    real = format.dequantized(given)
    assert whole["cosine"] == pytest.approx(
        (real * values).sum() / np.linalg.norm(real) / np.linalg.norm(values)
    )


def test_what_lies_outside_of_the_range_is_clipped() -> None:
    format, values = uniform(8, span=0.5), np.linspace(-1, 1, 10_001)[:, None]
    integers = rounded(format, values)
    sums = ErrorSums(format, 1)
    sums.add(values, integers, integers)
    error = sums.result("layer", "Linear")
    assert error.clipped == pytest.approx(0.5, abs=0.005)
    assert error.largest_steps == pytest.approx(0.5 / (1 / 256), rel=0.01)


def test_a_loud_channel_hides_the_error_of_the_others_from_the_sum_alone() -> None:
    values = RNG.uniform(-1, 1, (500, 8)) * np.array([100.0, *[1.0] * 7])
    format = uniform(8, span=100)
    integers = rounded(format, values)
    sums = ErrorSums(format, 1)
    sums.add(values, integers, integers)
    error = sums.result("layer", "Linear")
    assert error.channel_db is not None
    assert error.made_db > 35
    assert error.channel_db < 15


def test_channels_that_never_vary() -> None:
    values = RNG.uniform(-1, 1, (50, 4, 3))
    values[:, 1] = 0.25  # dead in float32
    values[:, 2] = 0.3 + 1e-4 * values[:, 2]  # lost by rounding
    format = uniform(8)
    integers = rounded(format, values)
    sums = ErrorSums(format, 1)
    sums.add(values, integers, integers)
    error = sums.result("layer", "Conv")
    assert (error.constant_channels, error.constant_in_float, error.channels) == (2, 1, 4)


def test_nothing_lost_and_nothing_there_stay_finite() -> None:
    assert decibels(1, 0) == decibels(0, 0) == MAX_DB
    assert decibels(0, 1) == -MAX_DB
    values = np.array([[1.0, -np.inf]])
    sums = ErrorSums(None, 1)
    sums.add(values, values, values)
    error = sums.result("mask", "Add")
    assert (error.sqnr_db, error.levels, error.largest_steps) == (MAX_DB, 0, 0)
    assert error.cosine == pytest.approx(1)


def test_a_format_for_each_channel() -> None:
    format = OutputFormat(np.array([1.0, 0.1]), np.zeros(1), -128, 127)
    integers = np.array([[[3], [3]]])
    assert format.dequantized(integers).ravel() == pytest.approx([3, 0.3])
    assert format.high == pytest.approx([127, 12.7])


def test_histograms_hold_every_number() -> None:
    values = RNG.normal(size=(100, 7)).astype(np.float32)
    spread = Spread()
    for part in (values[:30], values[30:]):
        spread.add(part)
    counts = Counts.within(spread)
    for part in (values[:30], values[30:]):
        counts.add(part)
    record = counts.result("x", "layer", "activations", uniform(8, 3))
    expected = np.histogram(values.astype(float), BINS, (values.min(), values.max()))
    assert record.counts == tuple(expected[0])
    np.testing.assert_allclose(record.edges, expected[1], atol=1e-6)
    assert (record.low, record.high) == pytest.approx((-3 + 3 / 256, 3 - 3 / 256))
    assert sum(Counts.of(np.full(9, 4.0)).counts) == 9
