"""model.c: kernels, then constants, then the calls, in the order of the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from quantbench.c99.plan import Plan, Step
from quantbench.c99.portable import Code
from quantbench.c99.sets import SETS, KernelSet, among, choice
from quantbench.c99.text import comment, kernel
from quantbench.c99.wide import FastCode

# In the order in which one uses the other.
_KERNELS = (
    "requantize", "dot", "dot_wide", "conv", "conv_wide", "dense", "dense_wide",
    "pool", "add", "rescale", "concat", "pad", "arrange",
)  # fmt: skip
_HEAD = "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)\n{"
Fast = Mapping[KernelSet, FastCode]
"""Of one step, in each set that has code for it."""


def source(made: Plan, codes: Sequence[Code], fast: Sequence[Fast], temporary: int) -> str:
    """`fast` stands in the place of the portable code where the C compiler's macros allow it."""
    some = any(fast)
    used = {name for code in codes for name in code.kernels}
    parts = ['#include "model.h"\n\n#include <string.h>\n']
    if some:
        used |= {"pad", "requantize"}
        parts += [choice(), f"#define TEMPORARY (scratch + {temporary})\n"]
    kernels = [_kernel(name) for name in _KERNELS if name in used]
    parts += [_used_or_not(text) for text in [*kernels, kernel("widen")]] if some else kernels
    parts += [_set(one) for one in SETS if some]
    for step, code, found in zip(made.steps, codes, fast, strict=True):
        parts.append(f"/* {step.identifier}: {comment(step.work.name)} */")
        parts += _constants(code, found)
    parts.append(_body(made.steps, codes, fast))
    return "\n".join(parts)


def _constants(code: Code, fast: Fast) -> list[str]:
    """Each where it is used: one that isn't is a warning."""
    names = {name: text for one in fast.values() for name, text in one.constants.items()}
    parts = [_either(code.constants, fast)] if code.constants else []
    for name, text in names.items():
        users = tuple(one for one, its in fast.items() if name in its.constants)
        parts.append(f"#if {among(users)}\n{text}#endif\n")
    parts += [f"#if {among((one,))}\n{its.text}#endif\n" for one, its in fast.items()]
    return parts


def _body(steps: Sequence[Step], codes: Sequence[Code], fast: Sequence[Fast]) -> str:
    lines = [_HEAD, "    (void)scratch;"]
    for step, code, found in zip(steps, codes, fast, strict=True):
        lines.append(f"    /* {step.identifier}: {comment(step.work.name)} */")
        for one, its in found.items():
            lines.append(f"#{'elif' if one is not next(iter(found)) else 'if'} {among((one,))}")
            lines += [f"    {call}" for call in its.calls]
        slow = [f"    {call}" for call in code.calls]
        lines += ["#else", *slow, "#endif"] if found else slow
    return "\n".join([*lines, "}\n"])


def _either(portable: str, fast: Fast) -> str:
    """Portable constants, where no set has its own."""
    return f"#if !({among(tuple(fast))})\n{portable}#endif\n" if fast else portable


def _kernel(name: str) -> str:
    """A wide kernel is the same text for weights of 16 bits."""
    base, _, wide = name.partition("_")
    text = kernel(base).replace("weight_t", "int16_t" if wide else "int8_t")
    return re.sub(r"\b(dot|conv|dense)(?=\(|_)", r"\1_wide", text) if wide else text


def _set(one: KernelSet) -> str:
    """Where there are registers of half the bits, the same text is for them, too."""
    texts = []
    for name in one.kernels:
        text = kernel(name)
        texts.append(text)
        if name.startswith("avx512"):
            half = text.replace("512", "256").replace("AVX256", "AVX512")
            half = half.replace("(__mmask16)0xAAAA", "(__mmask8)0xAA")
            half = half.replace("(__mmask16)0x5555", "(__mmask8)0x55")
            texts.append(half.replace("set1_epi64(", "set1_epi64x("))
    text = _used_or_not("\n".join(texts))
    return f"#if {among((one,))}\n#include <{one.header}>\n\n{text}#endif\n"


def _used_or_not(text: str) -> str:
    """No compiler warns of a small function that this network doesn't need."""
    begins = re.compile(r"^static (inline )?(?=\w+ \**\w+\()", re.MULTILINE)
    return begins.sub(r"static \1__attribute__((unused)) ", text)
