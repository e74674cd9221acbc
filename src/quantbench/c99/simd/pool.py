"""SIMD code of poolings by themselves: channels in lanes, a window's taps one after the other.

Registers of bytes take the maximum. An average adds up in 16 bits, then in 32, and rounds these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Requantization, Step
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.simd.requantize import (
    every_lane,
    factors,
    fits_int32,
    lane_tables,
    requantized,
)
from quantbench.c99.target.isa import NEON, NEON_DOT, Isa

_MAX_COLUMNS = 257
"""Bytes whose sum 16 bits hold."""
_ENDS = "const uint8_t *in, uint8_t *out"
_MAX_SUMS = 4096
"""The channels whose sums stand on the stack, in 16 KiB."""
_REGISTER = 16
"""Lanes of the widest registers, which sums are read in."""


@dataclass(frozen=True)
class _Kernel:
    """An instance of a kernel: its file and its function."""

    file: str
    function: str


def code(step: Step, pool: Pool, isa: Isa) -> SimdCode | None:
    """The code of a pooling; None where the portable kernel is used."""
    kernel = _chosen(step.inputs[0].shape[0], pool, isa)
    if kernel is None:
        return None
    if pool.kind == "max":
        return _maximum(step, pool, kernel)
    requantize, largest = pool.requantize, 255 * math.prod(pool.window.kernel)
    if requantize is None or not fits_int32(requantize, largest):
        return None
    if step.inputs[0].shape[0] > _MAX_SUMS:
        return None
    return _average(step, pool, requantize, kernel, isa)


def of_sums(step: Step, pool: Pool, isa: Isa) -> SimdCode | None:
    """The code of the sums of a pooling of bytes; None where the portable kernel is used."""
    (source,), channels = step.inputs, step.output.shape[0]
    kernel = _chosen(channels, pool, isa) if pool.kind != "max" else None
    if source.type != "uint8" or kernel is None or channels > _MAX_SUMS:
        return None
    name = f"{step.identifier}_pool"
    c = CWriter()
    with c.function(f"static void {name}(const uint8_t *in, void *out)"):
        c.line("char *to = out;")
        with _windows(c, step, pool):
            c.line(f"int32_t sums[{channels}];")
            c.line(f"{kernel.function}(from, sums, {_taps(step, pool)});")
            with c.loop("k", channels):
                c.line(f"sums[k] -= {source.zero_point} * rows * columns;")
            c.line("memcpy(to, sums, sizeof sums);")
            c.line("to += sizeof sums;")
    return SimdCode(
        {}, c.finished(), (f"{name}({source.at}, {step.output.at});",), 0, (kernel.file,)
    )


def _chosen(channels: int, pool: Pool, isa: Isa) -> _Kernel | None:
    """The instance of the widest registers that the channels fill; None for too few of them."""
    widest = isa.bits[0]
    if pool.kind == "max":
        widths = {bits: bits // 8 for bits in (512, 256, 128)}
    elif widest == 128:
        widths = {128: 16}
    else:
        widths = {512: 32, 256: 16}
    if pool.kind != "max" and pool.window.kernel[1] > _MAX_COLUMNS:
        return None
    name = "largest" if pool.kind == "max" else "sums"
    for bits, taken in widths.items():
        if bits <= widest and taken <= channels:
            return _Kernel(*_names(name, bits, isa))
    return None


def _names(kernel: str, bits: int, isa: Isa) -> tuple[str, str]:
    """The file and the function of a kernel for registers of so many bits."""
    set_ = "neon" if isa in (NEON, NEON_DOT) else bits
    return f"{kernel}_{set_}", f"model_{kernel}_{bits}"


def _maximum(step: Step, pool: Pool, kernel: _Kernel) -> SimdCode:
    name = f"{step.identifier}_pool"
    c = CWriter()
    with c.function(f"static void {name}({_ENDS})"), _windows(c, step, pool):
        c.line(f"{kernel.function}(from, out, {_taps(step, pool)});")
        c.line(f"out += {step.inputs[0].shape[0]};")
    call = f"{name}({step.inputs[0].at}, {step.output.at});"
    return SimdCode({}, c.finished(), (call,), 0, (kernel.file,))


def _average(
    step: Step, pool: Pool, requantize: Requantization, kernel: _Kernel, isa: Isa
) -> SimdCode:
    name, bits, channels = step.identifier, isa.bits[0], step.inputs[0].shape[0]
    tables = lane_tables(requantize, isa, (f"{name}_m", f"{name}_shift"), np.asarray)
    at = "rows * columns > 1 ? rows * columns - 1 : 0" if len(requantize.multipliers) > 1 else "0"
    m, shift = (every_lane(isa, bits, f"{table}[{at}]") for table in tables)
    zeros = every_lane(isa, bits, f"-{step.inputs[0].zero_point} * rows * columns")
    lanes = bits // 32
    c = CWriter()
    with c.function(f"static void {name}_pool({_ENDS})"), _windows(c, step, pool):
        c.line(f"int32_t sums[{-(-channels // _REGISTER) * _REGISTER}];")
        c.line(f"const model_factors_{bits} factors = {factors(requantize, isa, bits, m, shift)};")
        c.line(f"const model_vec_{bits} zeros = {zeros};")
        c.line(f"{kernel.function}(from, sums, {_taps(step, pool)});")
        with c.loop("c", channels, lanes):
            value = f"model_sum_{bits}(model_load_{bits}(sums + c), zeros)"
            c.line(f"const size_t count = {channels} - c < {lanes} ? {channels % lanes} : {lanes};")
            rounded = requantized(requantize, isa, bits, value, "factors")
            c.line(f"model_store_bytes(out + c, {rounded}, count);")
        c.line(f"out += {channels};")
    call = f"{name}_pool({step.inputs[0].at}, {step.output.at});"
    return SimdCode(tables, c.finished(), (call,), 0, (kernel.file,))


@contextmanager
def _windows(c: CWriter, step: Step, pool: Pool) -> Iterator[None]:
    """Loops over the windows: `from` is the first tap inside the image, of `rows` by `columns`."""
    channels, height, width = step.inputs[0].shape
    _, out_height, out_width = step.output.shape
    (down, right), window = pool.window.dilations, pool.window
    with c.loop("y", out_height):
        _part(c, ("top", "row", "rows"), f"y * {window.strides[0]} - {window.pads[0]}", height,
              window.kernel[0], down)  # fmt: skip
        with c.loop("x", out_width):
            _part(c, ("left", "column", "columns"), f"x * {window.strides[1]} - {window.pads[1]}",
                  width, window.kernel[1], right)  # fmt: skip
            first = f"(ptrdiff_t)(top + row * {down}) * {width} + left + column * {right}"
            c.line(f"const uint8_t *const from = in + ({first}) * {channels};")
            yield


def _part(
    c: CWriter, names: tuple[str, str, str], begin: str, size: int, kernel: int, dilation: int
) -> None:
    """The part of a window inside the image, along one axis: its first tap, and how many."""
    start, tap, taps = names
    c.line(f"const int {start} = {begin};")
    by = f" / {dilation}" if dilation > 1 else ""
    c.line(f"const int {tap} = {start} < 0 ? ({dilation - 1} - {start}){by} : 0;")
    end = f"({size - 1 + dilation} - {start}){by}"
    c.line(f"const int {tap}_end = {end} < {kernel} ? {end} : {kernel};")
    c.line(f"const int {taps} = {tap}_end > {tap} ? {tap}_end - {tap} : 0;")


def _taps(step: Step, pool: Pool) -> str:
    """The arguments of a kernel: channels, rows, columns, and the bytes from one to the next."""
    channels, _, width = step.inputs[0].shape
    down, right = pool.window.dilations
    return f"{channels}, rows, columns, {down * width * channels}, {right * channels}"
