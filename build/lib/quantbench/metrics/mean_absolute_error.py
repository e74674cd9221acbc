"""The mean absolute difference between outputs and targets."""

from __future__ import annotations

import numpy as np

from quantbench.numerics.deviations import deviations
from quantbench.samples.records import Array

UNIT = "units"
HIGHER_IS_BETTER = False
TITLE = "mean absolute error"


def per_sample(outputs: Array, targets: Array) -> Array:
    """Each sample's mean over its elements, float64 [N]."""
    return np.asarray(np.abs(deviations(outputs, targets)).mean(1))
