"""The check whether calibration and test samples are prepared alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.samples.records import Array
from quantbench.tasks.checks.evidence import Evidence, is_numeric
from quantbench.tasks.records import Diagnostic

SHIFT = 0.5
"""Difference of means in standard deviations of the samples: a medium effect (Cohen 1988)."""
SPREAD = 1.5
"""Ratio of standard deviations."""
OUTSIDE = 0.05
"""Share of test values outside of the calibration samples' range."""
ERRORS = 6.0
"""Standard errors that a difference has to exceed as well: chance among 10,000 features doesn't."""
_CUT = (0.5, 99.5)
"""Percentiles of both splits that values are cut to: a single odd sample moves nothing."""
_MIN_SAMPLES = 16
_ROUNDING = 1e-9
"""Relative differences of means that rounding alone explains."""

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Unlike:
    """The channel in which two splits differ most, each way of differing by itself."""

    shift: float
    """Difference of means in standard deviations of the samples, above what chance explains."""
    shifted: int
    spread: float
    """Ratio of the standard deviations within samples, the larger to the smaller."""
    outside: float
    """Share of the test values outside of the calibration samples' range."""


def inputs_unlike(evidence: Evidence) -> Iterator[Diagnostic]:
    """Calibration and test inputs differ in mean, spread or range more than by chance."""
    arrays = zip(
        evidence.network.inputs, evidence.calibration_inputs, evidence.test_inputs, strict=True
    )
    for spec, calibration, test in arrays:
        if not is_numeric(calibration) or min(len(calibration), len(test)) < _MIN_SAMPLES:
            continue
        unlike = compare(calibration, test)
        if unlike is None:
            continue
        if unlike.spread > SPREAD:
            how = f"values are spread {unlike.spread:.3g} times as wide in one as in the other"
        elif unlike.shift > SHIFT:
            how = (
                f"channel {unlike.shifted} differs by {unlike.shift:.2g} standard deviations in "
                "its mean"
            )
        elif unlike.outside > OUTSIDE:
            how = f"{unlike.outside:.0%} of the test values lie outside of calibration's range"
        else:
            continue
        yield Diagnostic(
            code="inputs-unlike",
            sentence=f"calibration and test samples aren't alike: for input '{spec.name}', {how}",
            remedy="prepare both in the same way, and draw calibration samples from the same "
            "source, shuffled",
        )


def compare(calibration: Array, test: Array) -> Unlike | None:
    """Compare two splits of one input, [n, ...] and [m, ...]; None where nothing can be said.

    Each channel (axis 1, or the last where that is the shorter) of each sample has a mean, which
    is cut to percentiles of both splits before means of splits are compared.
    """
    first, second = _by_channel(calibration), _by_channel(test)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None  # the check of inputs that aren't finite says so
    means, others = first.mean(2), second.mean(2)  # [n, C], [m, C]
    low, high = np.percentile(np.concatenate((means, others)), _CUT, axis=0)
    means, others = np.clip(means, low, high), np.clip(others, low, high)
    deviation = np.sqrt((means.var(0) + others.var(0)) / 2)
    difference = np.abs(means.mean(0) - others.mean(0))
    difference[difference <= _ROUNDING * np.abs(means).max(0)] = 0
    chance = ERRORS * np.sqrt(1 / len(means) + 1 / len(others))
    shifts = _ratio(difference, deviation)
    shifts = np.where(shifts > chance, shifts, 0)
    return Unlike(
        shift=float(shifts.max()),
        shifted=int(shifts.argmax()),
        spread=_spread(first, second),
        outside=_outside(first, second),
    )


def _by_channel(array: Array) -> Float:
    """[n, C, places] of an array [n, ...] whose channels are axis 1, or the last if shorter."""
    values = np.asarray(array, np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim > 2 and values.shape[-1] < values.shape[1]:
        values = np.moveaxis(values, -1, 1)
    return values.reshape(*values.shape[:2], -1)


def _spread(first: Float, second: Float) -> float:
    """The median over channels of the ratio of spreads, where it exceeds chance; else 1.

    Of images it is the deviation within samples, of which the median over samples is compared;
    of features the width of the middle half of the samples.
    """
    if first.shape[2] > 1:
        a, b = (np.median(values.std(2), axis=0) for values in (first, second))
    else:
        a, b = (_middle_half(values[:, :, 0]) for values in (first, second))
    known = (a > 0) & (b > 0)
    if not known.any():
        return 1.0
    ratio = float(np.exp(np.abs(np.median(np.log(a[known] / b[known])))))
    chance = np.exp(ERRORS * np.sqrt(1 / len(first) + 1 / len(second)))
    return ratio if ratio > chance else 1.0


def _middle_half(values: Float) -> Float:
    """The width of the middle half of each feature's values: 0 where most are the same."""
    low, high = np.percentile(values, (25, 75), axis=0)
    return np.asarray(high - low)


def _outside(first: Float, second: Float) -> float:
    """Share of the second's values out of the first's range, channel by channel.

    Two in n + 1 are expected by chance where samples are single numbers.
    """
    low, high = first.min((0, 2), keepdims=True), first.max((0, 2), keepdims=True)
    share = float(((second < low) | (second > high)).mean())
    return share if share > 10 / len(first) else 0.0


def _ratio(difference: Float, deviation: Float) -> Float:
    """Difference in deviations; where nothing deviates, 0 if equal and infinite if not."""
    flat = deviation == 0
    ratio = difference / np.where(flat, 1, deviation)
    return np.where(flat, np.where(difference > 0, np.inf, 0), ratio)
