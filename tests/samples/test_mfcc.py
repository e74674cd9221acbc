"""MFCC against SciPy's transform and values that are computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.fft

from quantbench.samples.mfcc import COEFFICIENTS, FILTERS, dct, filters, mfcc


def test_the_transform_is_scipys() -> None:
    values = np.random.default_rng(0).random((7, FILTERS))
    expected = scipy.fft.dct(values, type=2, norm="ortho", axis=1)[:, :COEFFICIENTS]
    np.testing.assert_allclose(values @ dct(FILTERS, COEFFICIENTS), expected, rtol=0, atol=1e-13)


def test_a_second_is_49_frames_of_10() -> None:
    coefficients = mfcc(np.zeros((3, 16_000), np.int16))
    assert coefficients.shape == (3, 49, 10)
    assert coefficients.dtype == np.float32


def test_silence_by_hand() -> None:
    """Every filter gives ln(1e-6); a constant has only the coefficient 0, sqrt(40) times it."""
    coefficients = mfcc(np.zeros((1, 640), np.int16))
    expected = np.zeros((1, 1, 10))
    expected[0, 0, 0] = math.sqrt(40) * math.log(1e-6)
    np.testing.assert_allclose(coefficients, expected, rtol=1e-6, atol=1e-5)


def test_a_tone_by_hand() -> None:
    """A tone of a transform's frequency, 1000 Hz = bin 64, amplitude a: its magnitude is
    a * 640 / 4, as the mean of the window is 1/2 and a real tone is two of half its amplitude.
    """
    time = np.arange(640) / 16_000
    sound = np.rint(0.5 * 2**15 * np.cos(2 * np.pi * 1000 * time)).astype(np.int16)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640)
    magnitude = abs(
        np.sum(sound / 2**15 * window * np.exp(-2j * np.pi * 64 * np.arange(640) / 1024))
    )
    assert magnitude == pytest.approx(0.5 * 640 / 4, rel=1e-4)
    energies = np.exp(scipy.fft.idct(
        np.pad(mfcc_all(sound), (0, 0)), type=2, norm="ortho"
    )) - 1e-6  # fmt: skip
    mel = 2595 * math.log10(1 + 1000 / 700)
    low, high = (2595 * math.log10(1 + f / 700) for f in (20, 4000))
    nearest = round((mel - low) / ((high - low) / 41)) - 1
    assert int(energies.argmax()) == nearest


def mfcc_all(sound: np.ndarray) -> np.ndarray:
    """All 40 coefficients of one frame, by a slow transform of its own."""
    signal = sound / 2**15
    frequencies = np.arange(513)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(640) / 640)
    waves = np.exp(-2j * np.pi * np.outer(frequencies, np.arange(640)) / 1024)
    energies = np.log(np.abs(waves @ (signal * window)) @ filters() + 1e-6)
    coefficients = scipy.fft.dct(energies, type=2, norm="ortho")
    np.testing.assert_allclose(
        mfcc(sound[np.newaxis])[0, 0], coefficients[:10], rtol=1e-5, atol=1e-5
    )
    return np.asarray(coefficients)


def test_filters_are_triangles_of_equal_width_in_mel() -> None:
    weights = filters()
    assert weights.shape == (513, 40)
    frequencies = np.arange(513) * 16_000 / 1024
    assert not weights[frequencies <= 20].any()
    assert not weights[frequencies >= 4000].any()
    assert weights.max() <= 1
    # Between the first and the last centre the triangles add up to one.
    mel = 2595 * np.log10(1 + frequencies / 700)
    step = (2595 * math.log10(1 + 4000 / 700) - 2595 * math.log10(1 + 20 / 700)) / 41
    start = 2595 * math.log10(1 + 20 / 700)
    inner = (mel >= start + step) & (mel <= start + 40 * step)
    np.testing.assert_allclose(weights[inner].sum(axis=1), 1, atol=1e-12)
