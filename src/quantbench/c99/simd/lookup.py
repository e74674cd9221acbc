"""SIMD code of a table of 256 bytes: byte permutes, where the instruction set has wide ones."""

from __future__ import annotations

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.table import Table
from quantbench.c99.target.isa import AVX512VBMI, NEON, NEON_DOT, Isa

_KERNELS = {AVX512VBMI: "lookup_512", NEON_DOT: "lookup_neon", NEON: "lookup_neon"}
"""Elsewhere the portable loop looks up one byte after the other."""


def code(step: Step, table: Table, isa: Isa) -> SimdCode | None:
    """The call of the kernel; None where the portable one is used."""
    if isa not in _KERNELS or len(table.table) > 1:
        return None
    name, (source,), output = f"{step.identifier}_table", step.inputs, step.output
    constants = {name: array("uint8_t", name, table.table, aligned=True)}
    call = f"model_{_KERNELS[isa]}({name}, {source.at}, {output.at}, {output.size});"
    return SimdCode(constants, "", (call,), 0)
