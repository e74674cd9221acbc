"""The share of samples whose target is among the five largest outputs."""

from __future__ import annotations

from quantbench.errors import UnavailableError
from quantbench.numerics.classes import among_best, checked_targets, classes, share_right
from quantbench.samples.records import Array

UNIT = "fraction"
HIGHER_IS_BETTER = True
TITLE = "top-5 accuracy"
BEST = 5


def per_sample(outputs: Array, targets: Array) -> Array:
    """Whether each sample's target is among the BEST, bool [N]; pixels as in `accuracy`."""
    count = classes(outputs)
    if count <= BEST:
        raise UnavailableError(f"each of {count} classes is among the best {BEST}; use accuracy")
    wanted = checked_targets(outputs, targets)
    return share_right(among_best(outputs, wanted, BEST), wanted, count)
