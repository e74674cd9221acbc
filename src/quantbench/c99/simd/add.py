"""SIMD code of the sum of two tensors: the portable kernel's numbers, in wider registers.

The node is in an operator's own file, above this room: it is known by the kernel that it asks for.
"""

from __future__ import annotations

from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Step
from quantbench.c99.target.isa import Isa

_KERNELS = ("add", "add_even")


def code(step: Step, isa: Isa) -> SimdCode | None:
    """The sum; None for another step, and on Arm, where compilers vectorize the portable kernel."""
    portable = step.work.emit(step)
    kernel = portable.kernels[-1]
    if kernel not in _KERNELS or isa.header != "immintrin.h":
        return None
    wide = f"{kernel}_{isa.bits[0]}"
    calls = (call.replace(f"model_{kernel}(", f"model_{wide}(", 1) for call in portable.calls)
    return SimdCode({step.identifier: portable.constants}, "", (*calls,), 0, (wide,))
