"""The intersection over union of decided and true pixels, averaged over the classes."""

from __future__ import annotations

import numpy as np

from quantbench.contracts import Observation
from quantbench.errors import UnavailableError
from quantbench.numerics.classes import confusion, shaped

UNIT = "fraction"
HIGHER_IS_BETTER = True
TITLE = "mean IoU"


def compute(seen: Observation) -> float:
    """The mean over the classes that occur as a target or a decision, over all samples' pixels.

    Pixels whose target is no class (255, say) don't count.
    """
    if seen.targets is None:
        raise UnavailableError("needs targets, and the test samples have none")
    if seen.outputs[0].ndim < 3:
        raise UnavailableError(f"outputs {shaped(seen.outputs[0])} decide on no pixels")
    counts = confusion(seen.outputs[0], seen.targets)
    shared = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - shared
    occurs = union > 0
    return float((shared[occurs] / union[occurs]).mean()) if occurs.any() else float("nan")
