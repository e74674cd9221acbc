"""Weights in the C file as arrays, or in a file beside it that the assembler takes in.

A C compiler takes minutes and gigabytes for millions of numbers; `.incbin` takes no time. The file
is named after the C file, by `__FILE__`, so that it is found from whatever folder is compiled in.
"""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import CWriter, array, byte_array
from quantbench.c99.ir.weights import PackedWeights

WEIGHTS = "model.c.bin"
"""The file of weights: `__FILE__ ".bin"`."""
ARRAYS = "model_weights.h"
"""The same weights in C, for compilers that can't take in a file: those of portable code."""
_MANY = 2**16
"""So many weights of wide registers are written as a string."""
_CONDITION = (
    "defined(__GNUC__) && (defined(__ELF__) || defined(__MACH__)) && !defined(MODEL_WEIGHTS_IN_C)"
)
_LITTLE_ENDIAN = "__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__"
_TAKEN_IN = """\
#ifndef MODEL_WEIGHTS_FILE
#define MODEL_WEIGHTS_FILE __FILE__ ".bin"
#endif
#ifdef __MACH__
#define MODEL_WEIGHTS_BEGIN(name) ".section __TEXT,__const\\n.private_extern " name "\\n"
#define MODEL_WEIGHTS_END ".previous\\n"
#else
#define MODEL_WEIGHTS_BEGIN(name) ".pushsection .rodata.model_weights,\\"a\\"\\n.hidden " name "\\n"
#define MODEL_WEIGHTS_END ".popsection\\n"
#endif
#define MODEL_WEIGHTS(type, name, at, bytes) \\
    __asm__(MODEL_WEIGHTS_BEGIN(#name) ".globl " #name "\\n.balign 64\\n" #name ":\\n" \\
            ".incbin \\"" MODEL_WEIGHTS_FILE "\\", " #at ", " #bytes "\\n" MODEL_WEIGHTS_END); \\
    extern const type name[(bytes) / sizeof(type)] __asm__(#name) \\
        __attribute__((visibility("hidden"), aligned(64)));
"""


class WeightsFile:
    """The weights of a network, gathered while its C is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._arrays: list[str] = []
        self._end = 0

    @property
    def content(self) -> bytes:
        """The content of WEIGHTS."""
        return b"".join(self._parts)

    @property
    def arrays(self) -> str:
        """The content of ARRAYS."""
        return "/* The weights of portable code. */\n" + "".join(self._arrays)

    def taken_in(self, weights: PackedWeights) -> str:
        """The line of C by which the assembler takes in weights, which are appended to the file."""
        data = weights.data()
        line = f"MODEL_WEIGHTS({weights.type}, {weights.name}, {self._end}, {len(data)})\n"
        self._parts.append(data)
        self._end += len(data)
        if not weights.simd:
            self._arrays.append(text(weights))
        return line

    def declare(self, c: CWriter, *, simd: bool, any_byte_order: bool) -> None:
        """Write the macros that take in weights.

        `simd`: there are kernels for wide registers. `any_byte_order`: the file is right for
        big-endian processors, too.
        """
        c.line("/* The weights lie in a file beside this one; without .incbin, those of portable")
        c.line("   code are in a header. */")
        c.directive(f"if {_CONDITION}{'' if any_byte_order else f' && {_LITTLE_ENDIAN}'}")
        c.text(_TAKEN_IN)
        c.directive("else")
        c.directive(f'include "{ARRAYS}"')
        c.define("MODEL_WEIGHTS(type, name, at, bytes)", "")
        if simd:
            c.undefine("MODEL_KERNELS")
            c.define("MODEL_KERNELS", "MODEL_PORTABLE")
        c.directive("endif")
        c.blank()


def defined(weights: PackedWeights, file: WeightsFile | None) -> str:
    """The C that defines weights: a line that takes in a part of `file`; None: an array."""
    return text(weights) if file is None else file.taken_in(weights)


def text(weights: PackedWeights) -> str:
    """The definition of weights as an array of C."""
    if weights.simd and weights.type == "int8_t" and weights.values.size >= _MANY:
        return byte_array(weights.name, weights.values.astype(np.int8).ravel())
    return array(weights.type, weights.name, weights.values, aligned=weights.simd)
