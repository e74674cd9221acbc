"""Mean negative log likelihood of the labels under softmax of the logits, in nats."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from quantbench.contracts import Observation

UNIT = "nats"
HIGHER_IS_BETTER = False


def compute(seen: Observation) -> float:
    """The mean over all images, in float64; NaN or infinity for logits that aren't finite."""
    with np.errstate(invalid="ignore"):  # infinite logits make the loss infinite or NaN
        log_probability = log_softmax(seen.logits.astype(np.float64), axis=1)
        return float(-log_probability[np.arange(len(seen.labels)), seen.labels].mean())
