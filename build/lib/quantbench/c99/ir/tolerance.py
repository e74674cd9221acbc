"""Tolerances of the integer network against the ONNX file, value by value: docs/arithmetic.md.

Given the same integers before a layer, its result q and the real number t that the file rounds,
counted in steps of q, are at most 1/2 + e apart. Each node computes e for each value
(`Node.excess`): rounded biases and limits, dropped roundings, and the float32 arithmetic of the
runtime that evaluates the file.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import Reals, Requantization

MARGIN = 2.0**-8
"""A margin, in steps, for multipliers of 31 bits and normalizations computed in float64."""
EXTRA = 12
"""Operations on a term besides its sum: scales, zero points, a normalization."""
_STORED = 2.0**-21
"""Relative difference of a stored bias's scale from the accumulator's: frontend/context.py."""


def of_sums(sizes: Reals, bias: Reals, terms: int) -> Reals:
    """The excess of accumulators, in their own units.

    `sizes`: the sum of the terms' magnitudes. `bias`: the bias's magnitude. `terms`: their number.
    The constant 0.5 is the rounding of the bias, or of a limit.
    """
    return (sizes + bias) * (UNIT * (terms + EXTRA)) + bias * _STORED + 0.5


def in_output_steps(excess: Reals, requantize: Requantization | None) -> Reals:
    """The excess in steps of the output instead of units of the accumulators."""
    if requantize is None:
        return excess
    factors = np.array([float(multiplier.value) for multiplier in requantize.multipliers])
    by_channel = factors.reshape(-1, *[1] * (excess.ndim - 2))
    return np.asarray(excess * by_channel + MARGIN, np.float64)
