"""Targets of generated C, and its number types. The command line imports it: nothing heavy."""

from __future__ import annotations

from enum import StrEnum


class Target(StrEnum):
    """A processor, or a class of processors, that C is generated for."""

    PORTABLE = "portable"
    """Any processor, in few bytes."""
    NATIVE = "native"
    """Kernels for wide registers beside the portable ones; the C compiler's macros choose."""
    CORTEX_M4 = "cortex-m4"
    """Portable C, whose instructions are counted on that processor."""
    CORTEX_M7 = "cortex-m7"


class Optimize(StrEnum):
    """The cost that portable code of integers keeps low."""

    SIZE = "size"
    """Few functions, which all layers share."""
    SPEED = "speed"
    """Few instructions."""


class Dtype(StrEnum):
    """The number type in which a network is computed."""

    INT8 = "int8"
    FLOAT32 = "float32"
