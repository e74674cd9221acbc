"""SIMD code of layers that read or write 32 bits: sums are scaled in lanes of 64 bits.

One text of each kernel stands for registers of every width (kernels/wide). Channels lie in lanes;
where one multiplier is for all of them, a row is as many numbers as there are lanes.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Requantization, Step, Type
from quantbench.c99.ir.wide import suffix
from quantbench.c99.nodes.curve import Curve
from quantbench.c99.nodes.mix import Mix
from quantbench.c99.simd.requantize import every_lane, lane_array, requantized, scaled
from quantbench.c99.target.isa import NEON, NEON_DOT, Isa

_LEAST_SHIFT = 31
"""With this shift 32 bits hold what a sum below 2**61 is rounded to."""
_BEHIND = 3
"""Bytes behind a table of bytes that are read with the last one."""
_LARGEST = 2**62
_PART = 31
"""Bits of the lower part of a multiplier."""


def mix(step: Step, node: Mix, isa: Isa) -> SimdCode | None:
    """The code of a sum; None where the portable kernel is used."""
    by_channel = max(map(len, node.multipliers)) > 1
    set_ = _registers(isa, step.output.shape[0] if by_channel else step.output.size)
    raised = any(place.raised for place in (*step.inputs, step.output))
    if set_ is None or node.shift < _LEAST_SHIFT or raised:
        return None
    bits, lanes = set_
    row = step.output.shape[0] if by_channel else lanes
    constants, arguments = {}, []
    for place, letter, m in zip(step.inputs, "ab", node.multipliers, strict=False):
        parts = {"high": m >> _PART, "low": m & (2**_PART - 1)}
        names = [f"{step.identifier}_{letter}_{part}_{row}" for part in parts]
        for name, values in zip(names, parts.values(), strict=True):
            constants[name] = lane_array(name, np.broadcast_to(values, (row,)))
        arguments += [place.at, *names, str(place.zero_point)]
    numbers = (step.output.size, row, node.shift, node.zero_point, node.low, node.high)
    types = "".join(suffix(place.type) for place in (*step.inputs, step.output))
    kernel = f"mix_{types}_{_set(isa, bits)}"
    ends = ", ".join([*arguments, step.output.at, *map(str, numbers)])
    return SimdCode(constants, "", (f"model_mix_{types}_{bits}({ends});",), 0, (kernel,))


def curve(step: Step, node: Curve, isa: Isa) -> SimdCode | None:
    """The code of a table over a grid; None where the portable kernel is used."""
    by_channel, name = len(node.multipliers) > 1, step.identifier
    set_ = _registers(isa, step.output.shape[0] if by_channel else step.output.size)
    if set_ is None or node.shift < 1 or (node.multipliers > 2**node.shift).any():
        return None  # with larger multipliers, integers skip places of the grid
    bits, lanes = set_
    row = step.output.shape[0] if by_channel else lanes
    ends = _ends(node)
    if ends is None:
        return None
    kind = suffix(step.output.type)
    type, table = ("int32_t" if kind == "w" else "uint8_t"), f"{name}_curve"
    behind = np.pad(node.table, (0, _BEHIND if kind == "b" else 0))
    constants = {table: array(type, table, behind)}
    lowest, highest = map(np.array, ends)
    fields = {"m": node.multipliers, "lowest": lowest, "highest": highest}
    names = [f"{name}_{field}_{row}" for field in fields]
    for field, values in zip(names, fields.values(), strict=True):
        constants[field] = lane_array(field, np.broadcast_to(values, (row,)))
    numbers = (step.output.size, row, f"INT64_C({_begin(node)})", node.shift)
    arguments = (table, step.inputs[0].at, step.output.at, *names, *numbers)
    call = f"model_curve_{kind}_{bits}({', '.join(map(str, arguments))});"
    return SimdCode(constants, "", (call,), 0, (f"curve_{kind}_{_set(isa, bits)}",))


def rounded(requantize: Requantization, isa: Isa, bits: int, type: Type) -> str | None:
    """The C that rounds a register, `value`, half to even, and writes it at `to`; None: on NEON."""
    if type == "uint8":
        value = requantized(requantize, isa, bits, "{value}", "factors")
        return f"model_store_bytes({{to}}, {value}, {bits // 32})"
    if isa.header != "immintrin.h":
        return None
    low, high = (every_lane(isa, bits, str(end)) for end in (requantize.low, requantize.high))
    value = scaled(requantize, isa, bits, "{value}", "factors")
    within = f"model_min_{bits}(model_max_{bits}({value}, {low}), {high})"
    return f"model_set_words_{bits}({{to}}, {within})"


def _begin(node: Curve) -> int:
    """What is added to a product before it is shifted to a place of the table."""
    return int(2 ** (node.shift - 1)) - node.grid.first * int(2**node.shift)


def _ends(node: Curve) -> tuple[list[int], list[int]] | None:
    """The lowest and the highest integer of each channel that have a place in the table.

    None where a channel has none, or the constant of the sums is beyond 64 bits.
    """
    begin, beyond = _begin(node), node.grid.count * 2**node.shift
    if abs(begin) >= _LARGEST or (node.multipliers < 1).any():
        return None
    factors = [int(m) for m in node.multipliers]
    lowest = [max(-(begin // m), -(2**31)) for m in factors]
    highest = [min((beyond - 1 - begin) // m, 2**31 - 1) for m in factors]
    if any(low > high for low, high in zip(lowest, highest, strict=True)):
        return None
    return lowest, highest


def _registers(isa: Isa, run: int) -> tuple[int, int] | None:
    """The widest registers that a run of numbers fills, and their lanes; None for too few."""
    return next(((bits, bits // 32) for bits in isa.bits if run >= bits // 32), None)


def _set(isa: Isa, bits: int) -> str:
    """The end of the name of a kernel for registers of so many bits."""
    return "neon" if isa in (NEON, NEON_DOT) else str(bits)
