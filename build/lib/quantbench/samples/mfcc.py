"""Mel-frequency cepstral coefficients (Davis and Mermelstein, 1980), as keyword spotters take them.

Frames of 40 ms every 20 ms, a periodic Hann window, the magnitude of the discrete Fourier
transform, 40 triangular filters between 20 and 4000 Hz that are equally wide on the mel scale
2595 log10(1 + f / 700), the natural logarithm, and the first 10 coefficients of the orthonormal
DCT-II: 49 frames of 10 for a second at 16 kHz.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
FRAME, STEP, TRANSFORM = 640, 320, 1024
FILTERS, LOW, HIGH = 40, 20.0, 4000.0
COEFFICIENTS = 10
_FLOOR = 1e-6
"""Added to each filter's output: the logarithm of silence is finite."""

Matrix = NDArray[np.float64]


def mfcc(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    """Coefficients of sounds, int16 [N, T] at 16 kHz -> float32 [N, 1 + (T - 640) // 320, 10]."""
    signal = sound.astype(np.float64) / 2**15
    frames = np.lib.stride_tricks.sliding_window_view(signal, FRAME, axis=1)[:, ::STEP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    magnitude = np.abs(np.fft.rfft(frames * window, TRANSFORM))
    energies = np.log(magnitude @ filters() + _FLOOR)
    return (energies @ dct(FILTERS, COEFFICIENTS)).astype(np.float32)


@cache
def filters() -> Matrix:
    """The weight of each frequency in each triangular filter: float64 [513, 40]."""
    edges = np.linspace(_mel(LOW), _mel(HIGH), FILTERS + 2)
    frequency = _mel(np.arange(TRANSFORM // 2 + 1) * RATE / TRANSFORM)[:, np.newaxis]
    rising = (frequency - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequency) / (edges[2:] - edges[1:-1])
    weights: Matrix = np.maximum(0.0, np.minimum(rising, falling))
    weights.setflags(write=False)
    return weights


@cache
def dct(size: int, kept: int) -> Matrix:
    """The first `kept` basis vectors of the orthonormal DCT-II, as columns: [size, kept]."""
    place, order = np.arange(size)[:, np.newaxis], np.arange(kept)
    basis: Matrix = np.cos(np.pi * order * (2 * place + 1) / (2 * size)) * np.sqrt(2 / size)
    basis[:, 0] /= np.sqrt(2)
    basis.setflags(write=False)
    return basis


def _mel(frequency: float | Matrix) -> Matrix:
    return np.asarray(2595 * np.log10(1 + np.asarray(frequency) / 700))
