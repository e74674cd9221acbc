"""The mean squared difference between outputs and targets."""

from __future__ import annotations

import numpy as np

from quantbench.numerics.deviations import deviations
from quantbench.samples.records import Array

UNIT = "units²"
HIGHER_IS_BETTER = False
TITLE = "mean squared error"


def per_sample(outputs: Array, targets: Array) -> Array:
    """Each sample's mean over its elements, float64 [N]."""
    with np.errstate(over="ignore"):
        return np.asarray(np.square(deviations(outputs, targets)).mean(1))
