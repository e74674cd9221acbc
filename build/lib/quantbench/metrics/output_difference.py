"""The mean absolute difference of a row's outputs to those of float32 in the same runtime."""

from __future__ import annotations

import numpy as np

from quantbench.contracts import Observation

UNIT = "units"
HIGHER_IS_BETTER = False
TITLE = "output difference"


def compute(seen: Observation) -> float:
    """The mean over every element of every output, in float64; NaN or infinite where one is."""
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, and so is the mean
        differences = [
            np.abs(outputs.astype(np.float64) - expected).ravel()
            for outputs, expected in zip(seen.outputs, seen.float_outputs, strict=True)
        ]
        return float(np.concatenate(differences).mean())
