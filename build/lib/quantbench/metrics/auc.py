"""The area under the ROC curve of a classifier with two classes.

It is the chance that a sample of class 1 scores higher than one of class 0, ties counting half:
the statistic of Mann and Whitney over the pairs (Hanley and McNeil, Radiology 143 (1982) 29-36).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from quantbench.contracts import Observation
from quantbench.errors import UnavailableError
from quantbench.numerics.classes import shaped
from quantbench.samples.records import Array

UNIT = "fraction"
HIGHER_IS_BETTER = True
TITLE = "ROC AUC"


def compute(seen: Observation) -> float:
    """The area, 0 to 1, exactly by ranks; NaN where one of the classes has no sample.

    The score is the only output, [N] or [N, 1], or the second of two less the first, [N, 2].
    """
    if seen.targets is None:
        raise UnavailableError("needs targets, and the test samples have none")
    scores = _scores(seen.outputs[0])
    positive = _positive(seen.targets, len(scores))
    if not np.isfinite(scores).all():
        return float("nan")
    ones = int(positive.sum())
    pairs = ones * (len(scores) - ones)
    if not pairs:
        return float("nan")
    rank_sum = float(rankdata(scores)[positive].sum())
    return (rank_sum - ones * (ones + 1) / 2) / pairs


def _scores(outputs: Array) -> NDArray[np.float64]:
    if outputs.ndim == 2 and outputs.shape[1] == 2:
        with np.errstate(invalid="ignore"):
            return np.asarray(outputs[:, 1].astype(np.float64) - outputs[:, 0])
    if outputs.ndim == 1 or (outputs.ndim == 2 and outputs.shape[1] == 1):
        return np.asarray(outputs.reshape(-1).astype(np.float64))
    raise UnavailableError(f"outputs {shaped(outputs)} aren't those of two classes")


def _positive(targets: Array, samples: int) -> NDArray[np.bool_]:
    if targets.size != samples or not np.isin(targets, (0, 1)).all():
        raise UnavailableError("targets have to be 0 or 1, one for each sample")
    return np.asarray(targets.reshape(-1) == 1)
