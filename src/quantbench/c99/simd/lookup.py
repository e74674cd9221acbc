"""SIMD code of functions of one byte: a table of 256, looked up by shuffles or permutes of bytes.

A change of scale by one multiplier is such a function, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.ir.rounding import requantized
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.table import ENTRIES, Table
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, AVXVNNI, NEON, NEON_DOT, Isa

_KERNELS = {
    AVX512VBMI: "lookup_512",
    AVX512VNNI: "lookup_words_512",
    AVXVNNI: "lookup_256",
    AVX2: "lookup_256",
    NEON_DOT: "lookup_neon",
    NEON: "lookup_neon",
}
"""SSE2 has no shuffle of bytes: the portable loop looks up one byte after the other."""
_ONE_BY_ONE = "lookup_bytes"
_PART = 16
"""The bytes that a shuffle looks up in."""


def of_table(step: Step, table: Table, isa: Isa) -> SimdCode | None:
    """The look-up in a table; None where the portable one is used."""
    if isa not in _KERNELS or len(table.table) > 1:
        return None
    return _code(step, table.table[0], _KERNELS[isa], isa)


def of_requantize(step: Step, node: Requantize, isa: Isa) -> SimdCode:
    """The look-up of a change of scale that has one multiplier."""
    (source,) = step.inputs
    table = requantized(np.arange(ENTRIES) - source.zero_point, node.requantize)
    return _code(step, table, _KERNELS.get(isa, _ONE_BY_ONE), isa)


def shuffled(table: NDArray[np.integer]) -> NDArray[np.integer]:
    """The parts [256] whose exclusive or kernels/bytes/lookup_256.h takes, for a table [256].

    An index of part h below 8 meets parts 0 to h, and one above it parts h - 7 to h.
    """
    sums = table.reshape(-1, _PART).copy()
    sums[8:] ^= sums[:8]
    parts = sums.copy()
    parts[1:] ^= sums[:-1]
    return parts.reshape(-1)


def _code(step: Step, table: NDArray[np.integer], kernel: str, isa: Isa) -> SimdCode:
    name, (source,), output = f"{step.identifier}_table", step.inputs, step.output
    entries = shuffled(table) if kernel == "lookup_256" else table
    constants = {name: array("uint8_t", name, entries, aligned=True)}
    call = f"model_{kernel}({name}, {source.at}, {output.at}, {output.size});"
    return SimdCode(constants, "", (call,), 0, () if kernel in isa.kernels else (kernel,))
