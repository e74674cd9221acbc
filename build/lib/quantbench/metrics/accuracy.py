"""The share of samples whose largest output is at the target; of pixels, where each has a class."""

from __future__ import annotations

from quantbench.numerics.classes import checked_targets, classes, decisions, share_right
from quantbench.samples.records import Array

UNIT = "fraction"
HIGHER_IS_BETTER = True


def per_sample(outputs: Array, targets: Array) -> Array:
    """Whether each sample is right, bool [N]; for outputs [N, K, H, W] its share of right pixels.

    Of equal largest outputs the first counts. Pixels whose target is no class don't count.
    """
    wanted = checked_targets(outputs, targets)
    return share_right(decisions(outputs) == wanted, wanted, classes(outputs))
