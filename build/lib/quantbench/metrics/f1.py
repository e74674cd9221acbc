"""The F1 score, the harmonic mean of precision and recall, averaged over the classes."""

from __future__ import annotations

import numpy as np

from quantbench.contracts import Observation
from quantbench.errors import UnavailableError
from quantbench.numerics.classes import confusion

UNIT = "fraction"
HIGHER_IS_BETTER = True
TITLE = "macro F1"


def compute(seen: Observation) -> float:
    """The mean over the classes that occur as a target or a decision, each with equal weight."""
    if seen.targets is None:
        raise UnavailableError("needs targets, and the test samples have none")
    counts = confusion(seen.outputs[0], seen.targets)
    right, both = np.diag(counts), counts.sum(0) + counts.sum(1)
    occurs = both > 0
    return float((2 * right[occurs] / both[occurs]).mean()) if occurs.any() else float("nan")
