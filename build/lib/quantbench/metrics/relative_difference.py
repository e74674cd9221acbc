"""The error that quantization adds to the outputs, over the spread of float32's outputs."""

from __future__ import annotations

import numpy as np

from quantbench.samples.records import Array

UNIT = "fraction"
HIGHER_IS_BETTER = False
TITLE = "error against float32"
MARGIN = 0.05
"""A ratio of signal to quantization noise of 26 dB."""


def per_sample_against_float(outputs: Array, float_outputs: Array) -> Array:
    """Each sample's root mean square difference over float32's own spread, float64 [N].

    The spread is the root mean square of float32's outputs less their mean over the samples.
    """
    expected = float_outputs.astype(np.float64).reshape(len(float_outputs), -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = outputs.astype(np.float64).reshape(expected.shape) - expected
        spread = np.sqrt(np.square(expected - expected.mean(0)).mean())
        error = np.sqrt(np.square(difference).mean(1))
        return np.asarray(np.where(error == 0, 0.0, error / spread))
