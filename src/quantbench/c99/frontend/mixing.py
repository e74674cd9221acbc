"""Tensors that are brought to one format by one rounding, where one of them is of 32 bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from quantbench.c99.frontend.formats import Format
from quantbench.c99.ir.graph import LIMITS, Tensor
from quantbench.c99.nodes.mix import Mix
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

Reach = tuple[float, float]
"""The lowest and the highest real number that a value can be."""
FINE = 2**15 - 1
"""The largest magnitude of the integers that unrounded values are held as, where they are rounded
to a grid: products of two, and sums of 65,536, stay within 32 bits."""
_BITS, _LARGEST_SHIFT, _LEAST_SHIFT = 61, 46, 24
_TINY, _LARGEST = 2.0**-100, 2.0**100


def fine_format(where: str, reach: Reach) -> Format:
    """The format of 32 bits that holds all numbers of `reach` as integers of up to FINE.

    Raises CompileError where float32 doesn't hold them.
    """
    largest = max(abs(end) for end in reach) / (FINE - 1)
    if not largest < _LARGEST:
        raise CompileError(f"{where}: what it gives isn't quantized, and may be beyond float32")
    return Format(float(np.float32(max(largest, _TINY))), 0, "int32")


def reach_of(tensor: Tensor) -> Reach:
    """The real numbers that an 8-bit tensor can hold."""
    zeros, low, high = tensor.zero_points, *LIMITS[tensor.type]
    scales = np.array(tensor.scale)
    return float((scales * (low - zeros)).min()), float((scales * (high - zeros)).max())


def sum_of(reaches: Sequence[Reach]) -> Reach:
    """The reach of a sum."""
    lows, highs = zip(*reaches, strict=True)
    return sum(lows), sum(highs)


def product_of(first: Reach, second: Reach) -> Reach:
    """The reach of a product."""
    corners = [a * b for a in first for b in second]
    return min(corners), max(corners)


def mix(
    where: str, inputs: Sequence[tuple[Tensor, Reach]], output: str, format: Format,
    ends: tuple[int, int],
) -> Mix:  # fmt: skip
    """The node that rounds the sum of `inputs` to `format`, within `ends`.

    Raises CompileError where the format is too fine for what they reach.
    """
    steps = [exact(scale) for scale in format.scales]
    factors = [_factors(tensor, steps) for tensor, _ in inputs]
    # The most that the sum can be, in steps of the output: it times 2**shift is below 2**61.
    most = sum(max(abs(end) for end in reach) for _, reach in inputs) / min(format.scales)
    shift = min(_LARGEST_SHIFT, _BITS - math.ceil(math.log2(most + 2)))
    if shift < _LEAST_SHIFT:
        raise CompileError(f"{where}: its output's scale is far too small for its sums")
    multipliers = tuple(
        np.array([round(factor * 2**shift) for factor in row], np.int64) for row in factors
    )
    names = tuple(tensor.name for tensor, _ in inputs)
    return Mix(where, names, output, multipliers, shift, format.zero_point, *ends)


def _factors(tensor: Tensor, steps: Sequence[Fraction]) -> list[Fraction]:
    """The steps of the output that one step of a tensor is: one number, or one for each channel."""
    own = [exact(scale) for scale in tensor.scale]
    channels = max(len(own), len(steps))
    pairs = zip(
        own if len(own) > 1 else own * channels,
        steps if len(steps) > 1 else [*steps] * channels,
        strict=True,
    )
    ratios = [scale / step for scale, step in pairs]
    return ratios[:1] if len({*ratios}) == 1 else ratios
