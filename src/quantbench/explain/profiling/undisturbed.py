"""The time of a call on a machine that does other things as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def undisturbed(us: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the fastest quarter of the calls in [calls, ...], by their sums.

    Other programs only ever make a call slower. A mean resolves less than the tick of a clock, and
    over the same calls the mean of a sum is the sum of the means.
    """
    ordered = us[np.argsort(us.reshape(len(us), -1).sum(axis=1))]
    return np.asarray(ordered[: -(-len(ordered) // 4)].mean(axis=0))
