"""Quantization without division: proof that a corrected product rounds to the same integers.

With r = 1 / scale rounded to float32, `near = x * r` is within 2 units in the last place of
x / scale, and `near + (x - near * scale) * r`, of two fused multiply-adds, within 1 (P. Markstein,
"Computation of elementary functions on the IBM RISC System/6000 processor", 1990). Division is
within half of one. Rounded to integers the two can differ only where x lies within few units of a
threshold (k + 1/2) * scale, and there are at most 255 of these: all floats around them are tried.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_AROUND = 8
"""Floats below and above a threshold that are tried: the bounds allow for 4."""
_SMALLEST, _LARGEST = 2.0**-60, 2.0**60
"""No step of the computation leaves the range of normal float32 for a scale between them."""


def reciprocal(scale: float, zero_point: int) -> float | None:
    """The float32 r with which a product stands for the division by `scale`; None without a proof.

    `zero_point`: of the 8-bit integers 0..255 to which x / scale is rounded, half to even.
    """
    if not _SMALLEST <= scale <= _LARGEST:
        return None
    s = np.float32(scale)
    r = np.float32(1) / s
    thresholds = (np.arange(255) + 0.5 - zero_point) * float(s)
    values = _around(thresholds.astype(np.float32))
    quotients = corrected(values, s, r)
    if quotients is None or not np.array_equal(np.rint(quotients), np.rint(values / s)):
        return None
    return float(r)


def corrected(values: Floats, s: np.float32, r: np.float32) -> Floats | None:
    """`near + (x - near * s) * r`, each step rounded once; None where float64 can't tell how."""
    near = (values * r).astype(np.float64)
    rest = (values - near * float(s)).astype(np.float32)  # float64 holds the difference exactly
    total = near + rest.astype(np.float64) * float(r)
    rounded = total.astype(np.float32)
    half = np.spacing(np.abs(rounded)).astype(np.float64) / 2
    if (np.abs(total - rounded) == half).any():  # rounded twice, it might go the other way
        return None
    return rounded


def _around(values: Floats) -> Floats:
    """Each value with the floats next to it."""
    below, above, found = values, values, [values]
    for _ in range(_AROUND):
        below = np.nextafter(below, np.float32(-np.inf))
        above = np.nextafter(above, np.float32(np.inf))
        found += [below, above]
    return np.concatenate(found)
