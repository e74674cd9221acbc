"""SIMD code of layers that read or write 32 bits: sums are scaled in lanes of 64 bits.

One text of each kernel stands for registers of every width (kernels/wide). Channels lie in lanes;
where one multiplier is for all of them, a row is as many numbers as there are lanes.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.ir.wide import suffix
from quantbench.c99.nodes.mix import Mix
from quantbench.c99.simd.requantize import lane_array
from quantbench.c99.target.isa import NEON, NEON_DOT, Isa

_LEAST_SHIFT = 31
"""With this shift 32 bits hold what a sum below 2**61 is rounded to."""
_PART = 31
"""Bits of the lower part of a multiplier."""


def mix(step: Step, node: Mix, isa: Isa) -> SimdCode | None:
    """The code of a sum; None where the portable kernel is used."""
    by_channel = max(map(len, node.multipliers)) > 1
    set_ = _registers(isa, step.output.shape[0] if by_channel else step.output.size)
    if set_ is None or node.shift < _LEAST_SHIFT:
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


def _registers(isa: Isa, run: int) -> tuple[int, int] | None:
    """The widest registers that a run of numbers fills, and their lanes; None for too few."""
    return next(((bits, bits // 32) for bits in isa.bits if run >= bits // 32), None)


def _set(isa: Isa, bits: int) -> str:
    """The end of the name of a kernel for registers of so many bits."""
    return "neon" if isa in (NEON, NEON_DOT) else str(bits)
