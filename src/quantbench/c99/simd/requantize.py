"""SIMD requantization: the form that a layer's multipliers allow, and its C."""

from __future__ import annotations

from quantbench.c99.ir.graph import Requantization
from quantbench.c99.target.isa import Isa

_MIN_SHIFT, _MAX_SHIFT = 32, 53


def takes_upper_half(requantize: Requantization, isa: Isa) -> bool:
    """Whether the shorter form applies, which keeps only the upper half of each product.

    No tie can occur, every shift drops the lower half, and the zero point, shifted as far to the
    left, stays within 61 bits.
    """
    shifts = (multiplier.s for multiplier in requantize.multipliers)
    within = all(_MIN_SHIFT <= shift <= _MAX_SHIFT for shift in shifts)
    return isa.has_wide_shift and within and not requantize.ties


def factors(requantize: Requantization, isa: Isa, bits: int, m: str, shift: str) -> str:
    """The C expression of a register's factors, from registers with multipliers and shifts."""
    if takes_upper_half(requantize, isa):
        return f"model_high_factors_{bits}({m}, {shift}, {requantize.zero_point})"
    return f"model_factors_of_{bits}({m}, {shift})"


def requantized(requantize: Requantization, isa: Isa, bits: int, sums: str, factors: str) -> str:
    """The C expression of the bytes that one register of sums is requantized to."""
    limits = f"{requantize.low}, {requantize.high}"
    if takes_upper_half(requantize, isa):
        return f"model_high_requantized_{bits}({sums}, {factors}, {limits})"
    name = "requantized_to_even" if requantize.ties else "requantized"
    return f"model_{name}_{bits}({sums}, {factors}, {requantize.zero_point}, {limits})"


def scaled(requantize: Requantization, isa: Isa, bits: int, sums: str, factors: str) -> str:
    """The C expression of one register of sums, scaled, rounded and moved by the zero point.

    They are int32, which saturating packs and the limits make bytes later, more of them at once.
    """
    if takes_upper_half(requantize, isa):
        return f"model_high_scaled_{bits}({sums}, {factors})"
    name = "scaled_to_even" if requantize.ties else "scaled"
    return f"model_{name}_{bits}({sums}, {factors}, {requantize.zero_point})"
