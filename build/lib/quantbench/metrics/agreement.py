"""The share of samples on which a row decides as float32 does, right or wrong."""

from __future__ import annotations

import numpy as np

from quantbench.numerics.classes import classes, decisions, share_right
from quantbench.samples.records import Array

UNIT = "fraction"
HIGHER_IS_BETTER = True
TITLE = "agreement with float32"
MARGIN = 0.01
"""Accuracy can't differ by more than the share of samples on which the two disagree."""


def per_sample_against_float(outputs: Array, float_outputs: Array) -> Array:
    """Whether the largest output is at the same class, bool [N]; pixels as in `accuracy`."""
    expected = decisions(float_outputs)
    alike = decisions(outputs) == expected
    return share_right(np.asarray(alike), expected, classes(float_outputs))
