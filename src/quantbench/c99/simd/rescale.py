"""SIMD code of a change of scale by channels: bytes become lanes of 32 bits and are requantized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.simd.requantize import (
    every_lane,
    factors,
    fits_int32,
    lane_tables,
    requantized,
)
from quantbench.c99.target.isa import SSE2, Isa


def code(step: Step, node: Requantize, isa: Isa) -> SimdCode | None:
    """The code of multipliers by channel; None where the portable kernel is used.

    SSE2 would take the lanes apart to round them, and channels must fill a register.
    """
    bits, requantize, (source,) = isa.bits[0], node.requantize, step.inputs
    lanes, channels = bits // 32, step.output.shape[0]
    if isa is SSE2 or channels < lanes or not fits_int32(requantize, 255):
        return None
    name = step.identifier
    tables = lane_tables(requantize, isa, (f"{name}_m", f"{name}_shift"), _as_they_are)
    m, shift = (f"model_load_{bits}({table} + c)" for table in tables)
    zero = every_lane(isa, bits, str(-source.zero_point))
    c = CWriter()
    with c.function(f"static void {name}_rescale(const uint8_t *in, uint8_t *out)"):
        c.line(f"const model_vec_{bits} zero = {zero};")
        with c.loop("p", source.size // channels):
            with c.loop("k", channels, lanes):
                c.line(f"const int c = k < {channels - lanes} ? k : {channels - lanes};")
                value = f"model_sum_{bits}(model_widened_{bits}(in + c), zero)"
                rounded = requantized(
                    requantize, isa, bits, value, factors(requantize, isa, bits, m, shift)
                )
                c.line(f"model_store_bytes(out + c, {rounded}, {lanes});")
            c.line(f"in += {channels};")
            c.line(f"out += {channels};")
    call = f"{name}_rescale({source.at}, {step.output.at});"
    kernel = f"product_{'neon' if bits == 128 else bits}"
    return SimdCode(tables, c.finished(), (call,), 0, (kernel,))


def _as_they_are(values: NDArray[np.integer]) -> NDArray[np.integer]:
    return values
