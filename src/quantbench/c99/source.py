"""model.c: kernels, then constants, then the calls, in the order of the plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from quantbench.c99.plan import Plan
from quantbench.c99.portable import Code
from quantbench.c99.text import comment, kernel
from quantbench.c99.vnni import FastCode

# In the order in which one uses the other.
_KERNELS = (
    "requantize", "dot", "dot_wide", "conv", "conv_wide", "dense", "dense_wide",
    "pool", "add", "rescale", "concat", "pad", "arrange",
)  # fmt: skip
_HEAD = "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)\n{"
_VNNI = """\
#if defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) \\
    && defined(__AVX512VL__) && !defined(MODEL_PORTABLE)
#define MODEL_VNNI 1
#include <immintrin.h>
#if defined(__AVX512VBMI__)
#define MODEL_VBMI 1
#else
#define MODEL_VBMI 0
#endif
#else
#define MODEL_VNNI 0
#endif
"""


def source(
    made: Plan, codes: Sequence[Code], fast: Sequence[FastCode | None], temporary: int
) -> str:
    """`fast` stands in the place of the portable code where the C compiler's macros allow it."""
    some = any(one is not None for one in fast)
    parts = ['#include "model.h"\n\n#include <string.h>\n']
    if some:
        parts += [_VNNI, f"#define TEMPORARY (scratch + {temporary})\n"]
        parts.append("\n".join(["#if MODEL_VNNI", *_fast_kernels(), "#endif\n"]))
    parts += _portable_kernels(codes, fast)
    for step, code, other in zip(made.steps, codes, fast, strict=True):
        if code.constants or other:
            parts.append(f"/* {step.identifier}: {comment(step.work.name)} */")
            parts.append(_either(code.constants, other.text if other else None))
    parts.append(_body(made, codes, fast))
    return "\n".join(parts)


def _body(made: Plan, codes: Sequence[Code], fast: Sequence[FastCode | None]) -> str:
    lines = [_HEAD, "    (void)scratch;"]
    for step, code, other in zip(made.steps, codes, fast, strict=True):
        lines.append(f"    /* {step.identifier}: {comment(step.work.name)} */")
        slow, quick = ("\n".join(f"    {call}" for call in calls) for calls in (
            code.calls, other.calls if other else ()
        ))  # fmt: skip
        lines.append(_either(slow, quick if other else None))
    return "\n".join([*lines, "}\n"])


def _either(portable: str, fast: str | None) -> str:
    if fast is None:
        return portable
    return f"#if MODEL_VNNI\n{fast.rstrip()}\n#else\n{portable.rstrip()}\n#endif"


def _portable_kernels(codes: Sequence[Code], fast: Sequence[FastCode | None]) -> list[str]:
    """Each where it is used: one that isn't is a warning."""
    slow = {name for code in codes for name in code.kernels}
    quick = {"pad"} if any(other and other.room for other in fast) else set()
    quick |= {
        name for code, other in zip(codes, fast, strict=True) if not other for name in code.kernels
    }
    found = []
    for name in _KERNELS:
        if name in slow and name in quick:
            found.append(_kernel(name))
        elif name in slow | quick:
            condition = "!MODEL_VNNI" if name in slow else "MODEL_VNNI"
            found.append(f"#if {condition}\n{_kernel(name)}#endif\n")
    return found


def _kernel(name: str) -> str:
    """A wide kernel is the same text for weights of 16 bits."""
    base, _, wide = name.partition("_")
    text = kernel(base).replace("weight_t", "int16_t" if wide else "int8_t")
    return re.sub(r"\b(dot|conv|dense)(?=\(|_)", r"\1_wide", text) if wide else text


def _fast_kernels() -> Iterable[str]:
    """In registers of 512 bits, and the same of 256."""
    wide, store = (_used_or_not(kernel(name)) for name in ("avx512vnni", "store"))
    half = wide.replace("512", "256").replace("(__mmask16)0xAAAA", "(__mmask8)0xAA")
    pixels = f"#if MODEL_VBMI\n{_used_or_not(kernel('pixels'))}#endif\n"
    return (store, wide, pixels, half.replace("set1_epi64(", "set1_epi64x("))


def _used_or_not(text: str) -> str:
    """No compiler warns of a small function that this network doesn't need."""
    return text.replace("static inline", "static inline __attribute__((unused))")
