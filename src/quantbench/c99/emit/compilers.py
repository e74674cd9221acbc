"""The directives of a C file that ask what the compiler knows, and choose the kernels by it."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.target.isa import Isa


def arm_macros(c: CWriter) -> None:
    """Define MODEL_SIMD32 for processors and compilers that have Arm's SIMD of 32 bits."""
    knows = "defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_BIG_ENDIAN)"
    with c.when(f"{knows} && (defined(__clang__) || __GNUC__ >= 10)"):
        c.directive("include <arm_acle.h>")
        c.define("MODEL_SIMD32", "")
    c.blank()


def word_alignment(c: CWriter) -> None:
    """Define the mark of constants that are loaded word by word."""
    with c.when("defined(__GNUC__)"):
        c.define("MODEL_OF_WORDS", "__attribute__((aligned(4)))")
        c.directive("else")
        c.define("MODEL_OF_WORDS", "")
    c.blank()


def choice(c: CWriter, isas: Sequence[Isa]) -> None:
    """Set MODEL_KERNELS, unless the user has: -DMODEL_KERNELS=MODEL_PORTABLE is portable code."""
    for number, macro in enumerate(("MODEL_PORTABLE", *(isa.macro for isa in isas))):
        c.define(macro, number)
    with c.when("!defined(MODEL_KERNELS)"):
        for number, isa in enumerate(isas):
            c.directive(f"{'el' if number else ''}if {isa.condition}")
            c.define("MODEL_KERNELS", isa.macro)
        c.directive("else")
        c.define("MODEL_KERNELS", "MODEL_PORTABLE")
        c.directive("endif")
    with c.when(f"MODEL_KERNELS < 0 || MODEL_KERNELS > {len(isas)}"):
        c.directive('error "MODEL_KERNELS is none of the sets above"')
    c.blank()


def unused_functions(c: CWriter, *pragmas: str) -> None:
    """Suppress warnings of unused functions: which are called depends on the instruction set."""
    with c.when("defined(__GNUC__)"):
        for pragma in pragmas:
            c.directive(f"pragma GCC diagnostic {pragma}")
    c.blank()
