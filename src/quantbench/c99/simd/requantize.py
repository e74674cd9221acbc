"""Requantization in wide registers: which form a layer's multipliers allow, and its C."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.ir.graph import Requantization
from quantbench.c99.target.isa import KernelSet
from quantbench.numerics.fixed_point import Multiplier

_LEAST, _MOST = 32, 53


def high(requantize: Requantization, kernels: KernelSet) -> bool:
    """Whether no tie can occur, the lower half of every product is shifted away, and the zero
    point, shifted as far to the left, stays within 61 bits.
    """
    shifts: Sequence[Multiplier] = requantize.multipliers
    within = all(_LEAST <= one.s <= _MOST for one in shifts)
    return kernels.high and within and not requantize.ties


def factors(requantize: Requantization, kernels: KernelSet, bits: int, m: str, shift: str) -> str:
    """Of registers with multipliers and shifts."""
    if high(requantize, kernels):
        return f"high_factors_{bits}({m}, {shift}, {requantize.zero_point})"
    return f"factors_of_{bits}({m}, {shift})"


def requantized(
    requantize: Requantization, kernels: KernelSet, bits: int, sums: str, factors: str
) -> str:
    """The bytes of one register."""
    limits = f"{requantize.low}, {requantize.high}"
    if high(requantize, kernels):
        return f"high_requantized_{bits}({sums}, {factors}, {limits})"
    name = "requantized_to_even" if requantize.ties else "requantized"
    return f"{name}_{bits}({sums}, {factors}, {requantize.zero_point}, {limits})"
