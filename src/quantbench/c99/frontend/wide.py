"""Layers whose weights the file leaves in float32: 16 bits here, with sums of 64.

docs/arithmetic.md, "Weights that nothing quantizes".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.formats import Format
from quantbench.c99.frontend.mixing import FINE, Reach
from quantbench.c99.ir.graph import Reals, Tensor, Window
from quantbench.c99.nodes.wide_conv import WideConv
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

_BITS, _LARGEST_SHIFT = 61, 60
_TINY = 2.0**-100


@dataclass(frozen=True, eq=False)
class RealLayer:
    """Weights and bias in real numbers, as a layer multiplies a tensor by them."""

    where: str
    weights: NDArray[np.float64]
    """[O, I / groups, kh, kw] or [O, I]"""
    bias: NDArray[np.float64]
    """[O]"""
    window: Window | None
    groups: int

    def reach(self, input: Reach) -> Reach:
        """The lowest and the highest real number of any channel; around the input lie zeros."""
        low, high = min(input[0], 0.0), max(input[1], 0.0)
        flat = self.weights.reshape(len(self.weights), -1)
        up, down = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
        least, most = up * low + down * high + self.bias, up * high + down * low + self.bias
        return float(least.min()), float(most.max())

    def node(
        self, input: tuple[Tensor, Reach], output: str, format: Format, ends: tuple[int, int]
    ) -> WideConv:
        """The node that rounds its sums to `format`, within `ends`.

        Raises CompileError for a scale that is far too small.
        """
        tensor, reach = input
        scale = np.maximum(np.abs(self.weights).reshape(len(self.weights), -1).max(axis=1), _TINY)
        units = [exact(float(step)) for step in scale / FINE]
        steps = _by_channel([exact(step) for step in format.scales], len(units))
        own = exact(tensor.scale[0])
        lowest, highest = self.reach(reach)
        most = max(-lowest, highest) / min(format.scales)
        shift = min(_LARGEST_SHIFT, _BITS - math.ceil(math.log2(most + 2)))
        if shift < 1:
            raise CompileError(f"{self.where}: its output's scale is far too small for its sums")
        factors = [own * unit / step for unit, step in zip(units, steps, strict=True)]
        columns = np.array([float(unit) for unit in units])
        by_output = columns.reshape(-1, *[1] * (self.weights.ndim - 1))
        whole = np.rint(self.weights / by_output)
        lost = np.abs(self.weights / by_output - whole).reshape(len(whole), -1).max(axis=1)
        bias = [
            round(exact(float(real)) / (own * unit))
            for real, unit in zip(self.bias, units, strict=True)
        ]
        image = whole if whole.ndim > 2 else whole.reshape(*whole.shape, 1, 1)
        return WideConv(
            name=self.where,
            input=tensor.name,
            output=output,
            weights=image.astype(np.int16),
            bias=np.array(bias, np.int64),
            window=self.window or Window((1, 1)),
            groups=self.groups,
            multipliers=np.array([round(factor * 2**shift) for factor in factors], np.int64),
            shift=shift,
            zero_point=format.zero_point,
            low=ends[0],
            high=ends[1],
            lost=_above(lost),
        )


def _by_channel(values: Sequence[Fraction], channels: int) -> Sequence[Fraction]:
    return values if len(values) > 1 else [*values] * channels


def _above(values: Reals) -> Reals:
    """A little more, for the divisions in float64."""
    return np.asarray(values * (1 + 2.0**-40) + 2.0**-40, np.float64)
