"""Mean negative log likelihood of the targets under softmax of the outputs, in nats."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from quantbench.numerics.classes import checked_targets, classes
from quantbench.samples.records import Array

UNIT = "nats"
HIGHER_IS_BETTER = False


def per_sample(outputs: Array, targets: Array) -> Array:
    """Each sample's loss, float64 [N]; NaN or infinite for outputs that aren't finite.

    For outputs [N, K, H, W] it is the mean over the sample's pixels that have a class.
    """
    wanted = checked_targets(outputs, targets)
    with np.errstate(invalid="ignore"):  # infinite logits make the loss infinite or NaN
        log_probability = log_softmax(outputs.astype(np.float64), axis=1)
    counted = (wanted >= 0) & (wanted < classes(outputs))
    index = np.where(counted, wanted, 0)[:, None]
    losses = -np.take_along_axis(log_probability, index, 1)[:, 0]
    if losses.ndim == 1:
        return np.asarray(losses)
    flat = (len(losses), -1)
    kept = counted.reshape(flat)
    total = np.where(kept, losses.reshape(flat), 0).sum(1)
    return np.asarray(total / np.maximum(kept.sum(1), 1))
