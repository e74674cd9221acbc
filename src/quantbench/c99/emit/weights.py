"""Weights in the C file as arrays, or in a file beside it that the assembler takes in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantbench.c99.emit.c_syntax import CWriter, array, byte_array
from quantbench.c99.emit.data_file import DataFile
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.weights import PackedWeights

WEIGHTS = "model.c.bin"
"""The file of weights: `__FILE__ ".bin"`."""
ARRAYS = "model_weights.h"
"""The same weights in C, for compilers that can't take in a file: those of portable code."""
MACRO = "MODEL_WEIGHTS"
_MANY = 2**16
"""So many weights of wide registers are written as a string."""
_COMMENT = """\
/* The weights lie in a file beside this one; without .incbin, those of portable
   code are in a header. */
"""
_PORTABLE = ("undef MODEL_KERNELS", "define MODEL_KERNELS MODEL_PORTABLE")


def weights_file(codes: Sequence[Code], header: str = ARRAYS, other: str | None = None) -> DataFile:
    """A file for the weights of these layers, still empty. `other`: as DataFile says."""
    same = all(each.any_byte_order for code in codes for each in code.arrays)
    return DataFile(MACRO, header, any_byte_order=same, other=other)


def declare(c: CWriter, file: DataFile, *, simd: bool) -> None:
    """Write the macros that take in weights. `simd`: there are kernels for wide registers."""
    file.declare(c, _COMMENT, _PORTABLE if simd else ())


def defined(weights: PackedWeights, file: DataFile | None) -> str:
    """The C that defines weights: a line that takes in a part of `file`; None: an array."""
    if file is None:
        return text(weights)
    portable = "" if weights.simd else text(weights)
    return file.taken_in(weights.type, weights.name, weights.data(), portable)


def text(weights: PackedWeights) -> str:
    """The definition of weights as an array of C."""
    if weights.simd and weights.type == "int8_t" and weights.values.size >= _MANY:
        return byte_array(weights.name, weights.values.astype(np.int8).ravel())
    return array(weights.type, weights.name, weights.values, aligned=weights.simd)
