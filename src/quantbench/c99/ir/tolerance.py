"""How far each value of the integer network may be off the ONNX file's: docs/arithmetic.md.

For given integers before a layer, its result q and the real number t that the file rounds, counted
in steps of q, are at most 1/2 + e apart. Each node computes its e, for each value
(`Node.excess`): rounded biases and limits, dropped roundings, and the float32 arithmetic of
whoever evaluates the file.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import Reals, Requantization

MARGIN = 2.0**-8
"""A part of a step: factors are held to 31 bits, normalizations computed in float64."""
EXTRA = 12
"""Operations that a term passes besides its sum: scales, zero points, a normalization."""
_STORED = 2.0**-21
"""Relative difference of a stored bias's scale from the accumulator's: frontend/context.py."""


def of_sums(sizes: Reals, bias: Reals, terms: int) -> Reals:
    """The excess of accumulators, from the sum of their terms' sizes and of the bias. The half is
    the bias's rounding, and no less than that of a limit.
    """
    return (sizes + bias) * (UNIT * (terms + EXTRA)) + bias * _STORED + 0.5


def in_output_steps(excess: Reals, requantize: Requantization | None) -> Reals:
    """`excess` counted in steps of the output instead of those of the accumulators."""
    if requantize is None:
        return excess
    factors = np.array([float(multiplier.value) for multiplier in requantize.multipliers])
    by_channel = factors.reshape(-1, *[1] * (excess.ndim - 2))
    return np.asarray(excess * by_channel + MARGIN, np.float64)
