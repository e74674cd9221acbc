"""SIMD requantization: the shortest form that is proved for a layer, and its C.

Two tables, `m` and `shift`, hold 32-bit words for each lane, which mean what the form makes of
them: a caller writes them by `lane_tables`, loads them, and hands them to `factors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir.graph import Requantization
from quantbench.c99.ir.short_forms import NOTHING_PROVED, joined
from quantbench.c99.target.isa import Isa

_MIN_SHIFT, _MAX_SHIFT = 32, 53
_MAX_ROUNDED = 2**30
Lanes = NDArray[np.integer]
Channels = Sequence[int]


class Form(Enum):
    """The forms of the rounding; the first that applies is the shortest."""

    REAL = "one fused multiplication and addition in float32: factors, offsets"
    UPPER = "the upper half of a sum of 64 bits: multipliers, halves"
    HIGH = "the upper half of a product, shifted: multipliers, shifts"
    WHOLE = "a product of 64 bits, shifted: multipliers, shifts"


def form_of(requantize: Requantization, isa: Isa) -> Form:
    """The form that a layer is requantized in."""
    short = requantize.short
    if short.real is not None and isa.fused != "never":
        return Form.REAL
    if short.upper is not None and isa.has_wide_shift:
        return Form.UPPER
    return Form.HIGH if takes_upper_half(requantize, isa) else Form.WHOLE


def takes_upper_half(requantize: Requantization, isa: Isa) -> bool:
    """Whether exact multipliers are applied in a form that keeps the upper half of each product.

    No tie can occur, every shift drops the lower half, and the zero point, shifted as far to the
    left, stays within 61 bits.
    """
    if not isa.has_wide_shift or requantize.ties:
        return False
    shifts = [multiplier.s for multiplier in requantize.multipliers]
    return min(shifts) >= _MIN_SHIFT and max(shifts) <= _MAX_SHIFT


def lane_array(name: str, values: Lanes) -> str:
    """The C of a table with a number for every lane."""
    return array("int32_t", name, values, aligned=True)


def lane_tables(
    requantize: Requantization,
    isa: Isa,
    names: tuple[str, str],
    lanes: Callable[[Lanes], Lanes],
    registers: Sequence[Channels] = (),
) -> dict[str, str]:
    """The C of the tables `m` and `shift`, by the names that they are given.

    `lanes` arranges numbers of each channel, or one for all, as a kernel reads them. `registers`:
    the channels that each register rounds, in the form of `of_channels`; none: in the layer's.
    """
    whole = range(len(requantize.multipliers))
    parts = [(part, of_channels(requantize, part)) for part in registers if len(whole) > 1]
    parts = parts or [(whole, requantize)]
    tables = _arrays(parts, isa, names, lanes)
    if any(_depends_on_flags(part, isa) for _, part in parts):
        others = _arrays([(at, _integers(part)) for at, part in parts], isa, names, lanes)
        tables = [
            f"#if defined(__FMA__)\n{table}#else\n{other}#endif\n"
            for table, other in zip(tables, others, strict=True)
        ]
    return dict(zip(names, tables, strict=True))


def channel_tables(
    requantize: Requantization, isa: Isa, names: tuple[str, str], outputs: int
) -> dict[str, str]:
    """The C of the tables `m` and `shift` of a kernel that rounds each channel in its own form.

    Such a kernel writes a channel's factors and its rounding by `of_channel`.
    """

    def lanes(values: Lanes) -> Lanes:
        return np.broadcast_to(values, (outputs,))

    return lane_tables(requantize, isa, names, lanes, [(channel,) for channel in range(outputs)])


def _arrays(
    parts: Sequence[tuple[Channels, Requantization]],
    isa: Isa,
    names: tuple[str, str],
    lanes: Callable[[Lanes], Lanes],
) -> list[str]:
    words = np.zeros((2, sum(len(channels) for channels, _ in parts)), np.int64)
    for channels, part in parts:
        words[:, [*channels]] = _words(part, form_of(part, isa))
    return [lane_array(name, lanes(word)) for name, word in zip(names, words, strict=True)]


def of_channel(requantize: Requantization, channel: int) -> Requantization:
    """The rounding of one channel alone, with the forms that are proved for it."""
    return of_channels(requantize, (channel,))


def of_channels(requantize: Requantization, channels: Channels) -> Requantization:
    """The rounding of some channels, with the forms that are proved for each of them.

    Where all channels share a multiplier, it is the layer's rounding.
    """
    if len(requantize.multipliers) == 1:
        return requantize
    forms = requantize.short.by_channel
    return replace(
        requantize,
        multipliers=tuple(requantize.multipliers[channel] for channel in channels),
        short=joined([forms[channel] for channel in channels]) if forms else NOTHING_PROVED,
    )


def fits_int32(requantize: Requantization, largest: int) -> bool:
    """Whether 32 bits hold sums of up to `largest`, scaled and rounded but not clamped yet."""
    return all(largest * factor.m >> factor.s < _MAX_ROUNDED for factor in requantize.multipliers)


def every_lane(isa: Isa, bits: int, value: str) -> str:
    """The C expression of a register that holds one int32 in every lane."""
    if isa.header == "arm_neon.h":
        return f"vdupq_n_s32({value})"
    return f"_mm{'' if bits == 128 else bits}_set1_epi32({value})"


def factors(requantize: Requantization, isa: Isa, bits: int, m: str, shift: str) -> str:
    """The C expression of a register's factors, from registers of the tables `m` and `shift`."""
    zero_point = requantize.zero_point
    texts = {
        Form.REAL: f"model_real_factors_{bits}({m}, {shift})",
        Form.UPPER: f"model_upper_factors_{bits}({m}, {shift}, {zero_point})",
        Form.HIGH: f"model_high_factors_{bits}({m}, {shift}, {zero_point})",
        Form.WHOLE: f"model_factors_of_{bits}({m}, {shift})",
    }
    return _chosen(requantize, isa, texts)


def requantized(requantize: Requantization, isa: Isa, bits: int, sums: str, factors: str) -> str:
    """The C expression of the bytes that one register of sums is requantized to."""
    limits = f", {requantize.low}, {requantize.high}"
    return _rounded(requantize, isa, bits, "requantized", f"{sums}, {factors}", limits)


def scaled(requantize: Requantization, isa: Isa, bits: int, sums: str, factors: str) -> str:
    """The C expression of one register of sums, scaled, rounded and moved by the zero point.

    They are int32, which saturating packs and the limits make bytes later, more of them at once.
    """
    return _rounded(requantize, isa, bits, "scaled", f"{sums}, {factors}", "")


def _rounded(
    requantize: Requantization, isa: Isa, bits: int, name: str, arguments: str, limits: str
) -> str:
    """The call of the function that ends in `name`, in the form of the layer."""
    whole = f"{name}_to_even" if requantize.ties else name
    texts = {
        Form.REAL: f"model_real_{name}_{bits}({arguments}{limits})",
        Form.UPPER: f"model_upper_{name}_{bits}({arguments}{limits})",
        Form.HIGH: f"model_high_{name}_{bits}({arguments}{limits})",
        Form.WHOLE: f"model_{whole}_{bits}({arguments}, {requantize.zero_point}{limits})",
    }
    return _chosen(requantize, isa, texts)


def _chosen(requantize: Requantization, isa: Isa, texts: Mapping[Form, str]) -> str:
    """The C of a layer's form; the compiler's flags may choose between two."""
    text = texts[form_of(requantize, isa)]
    if _depends_on_flags(requantize, isa):
        return f"MODEL_FUSED({text}, {texts[form_of(_integers(requantize), isa)]})"
    return text


def _depends_on_flags(requantize: Requantization, isa: Isa) -> bool:
    """Whether the compiler's flags decide between float32 and integers."""
    return form_of(requantize, isa) is Form.REAL and isa.fused == "if compiled"


def _integers(requantize: Requantization) -> Requantization:
    return replace(requantize, short=requantize.short.without_real())


def _words(requantize: Requantization, form: Form) -> tuple[Lanes, Lanes]:
    """The words of `m` and `shift`, for each channel or one for all."""
    short = requantize.short
    if form is Form.REAL and short.real is not None:
        factor, offset = (
            np.array(values, np.float32) for values in (short.real.factor, short.real.offset)
        )
        return factor.view(np.int32), offset.view(np.int32)
    if form is Form.UPPER and short.upper is not None:
        return np.array(short.upper.m), np.array(short.upper.half, np.uint32).view(np.int32)
    multipliers = requantize.multipliers
    return np.array([factor.m for factor in multipliers]), np.array(
        [factor.s for factor in multipliers]
    )
