"""Deviations of outputs from targets of the same shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import UnavailableError
from quantbench.numerics.classes import shaped


def deviations(outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """Outputs less targets by sample, float64 [N, elements].

    An axis of length 1 more or less at the end makes no difference: [N, 1] is [N]. Raises
    UnavailableError where the shapes differ otherwise, and for targets that are no numbers.
    """
    if targets.dtype.kind not in "biuf":
        raise UnavailableError(f"targets of {targets.dtype} are no numbers")
    if trimmed(outputs) != trimmed(targets):
        raise UnavailableError(
            f"targets {shaped(targets)} have another shape than outputs {shaped(outputs)}"
        )
    flat = (len(outputs), -1)
    with np.errstate(invalid="ignore"):
        return np.asarray(
            outputs.astype(np.float64).reshape(flat) - targets.astype(np.float64).reshape(flat)
        )


def trimmed(array: NDArray[Any]) -> tuple[int, ...]:
    """The shape of an array without a last axis of length 1: that of [N, 1] is [N]."""
    return array.shape[:-1] if array.ndim > 1 and array.shape[-1] == 1 else array.shape
