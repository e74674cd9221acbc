"""The mean absolute difference of a row's logits to those of float32 in the same runtime."""

from __future__ import annotations

import numpy as np

from quantbench.contracts import Observation

UNIT = "logits"
HIGHER_IS_BETTER = False


def compute(seen: Observation) -> float:
    """The mean over all images and classes, in float64; NaN or infinity for logits like that."""
    with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, and so is the mean
        return float(np.abs(seen.logits.astype(np.float64) - seen.float_logits).mean())
