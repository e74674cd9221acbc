"""model.c: kernels, then constants, then the calls, in the order of the plan."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quantbench.c99.emit.c_syntax import comment, kernel
from quantbench.c99.emit.scalar import Code
from quantbench.c99.emit.specialize import Kind, kinds
from quantbench.c99.ir.graph import Step
from quantbench.c99.target.isa import (
    SETS,
    KernelSet,
    among,
    choice,
)

_ALIGNMENT = 64
"""Bytes of the widest register."""
# In the order in which one uses the other.
_KERNELS = (
    "floor_shift", "requantize", "requantize_even", "dot", "dot_wide", "dense", "dense_wide",
    "conv", "conv_wide", "pool", "add_layer", "add", "add_even", "rescale", "concat", "pad",
    "widen", "arrange",
)  # fmt: skip
_ARM = """\
#if defined(__ARM_FEATURE_SIMD32) && (defined(__clang__) || __GNUC__ >= 10)
#include <arm_acle.h>
#define MODEL_SIMD32
#endif
"""
_HEAD = "void model_run(const uint8_t *input, model_output *output, uint8_t *scratch)\n{"


@dataclass(frozen=True)
class FastCode:
    """Of one step in one set; `room` is memory that its calls need at TEMPORARY, a name in C,
    counted in what scratch memory is. `constants` are by name; those of several sets are the same.
    """

    constants: Mapping[str, str]
    text: str
    calls: tuple[str, ...]
    room: int


Fast = Mapping[KernelSet, FastCode]
"""Of one step, in each set that has code for it."""


@dataclass(frozen=True)
class Layer:
    """A step of either plan: its title and its C."""

    title: str
    code: Code
    fast: Fast


@dataclass(frozen=True)
class Language:
    """What integers and float32 differ in: the kernels in the order in which one uses the other,
    those that the sets of kernels need, the sets, and the function's head.
    """

    kernels: Mapping[str, str]
    needed: frozenset[str]
    sets: Sequence[KernelSet]
    head: str
    unit: int
    """Bytes of what scratch memory is counted in."""


def integers() -> Language:
    texts = {name: _kernel(name) for name in _KERNELS}
    needed = frozenset(("pad", "widen", "floor_shift", "requantize"))
    return Language(texts, needed, SETS, _HEAD, unit=1)


def written(
    steps: Sequence[Step], scratch: int, codes: Sequence[Code], fast: Sequence[Fast],
    language: Language,
) -> tuple[str, int]:  # fmt: skip
    """model.c, and the bytes that the caller gives: `scratch` of the plan, and room behind it."""
    rooms = [one.room for one in codes] + [one.room for its in fast for one in its.values()]
    room = language.unit * max(rooms, default=0)
    begin = -(-scratch // _ALIGNMENT) * _ALIGNMENT if any(fast) else scratch
    layers = [
        Layer(f"/* {step.identifier}: {comment(step.work.name)} */", code, its)
        for step, code, its in zip(steps, codes, fast, strict=True)
    ]
    text = _source(layers, language, begin // language.unit)
    return text, begin + room if room else scratch


def _source(layers: Sequence[Layer], language: Language, temporary: int) -> str:
    """The code of the sets stands in the place of the portable one where the C compiler's macros
    allow it; TEMPORARY begins `temporary` behind scratch.
    """
    some = any(layer.fast for layer in layers)
    used = {name for layer in layers for name in layer.code.kernels}
    parts = ['#include "model.h"\n\n#include <string.h>\n']
    if any(name.startswith("dot") for name in used):
        parts.append(_ARM)
    if some:
        used |= language.needed
        parts.append(choice(language.sets))
    if "requantize_even" in used:
        used.discard("requantize")  # the other does what it does
    if some or any(layer.code.room for layer in layers):
        parts.append(f"#define TEMPORARY (scratch + {temporary})\n")
    known = kinds(one for layer in layers for one in layer.code.structures)
    kernels = [
        known[name].resolved(text) if name in known else text
        for name, text in language.kernels.items()
        if name in used
    ]
    parts += [_used_or_not(text) for text in kernels] if some else kernels
    parts += [_set(one) for one in language.sets if some]
    for layer in layers:
        parts += _constants(layer, known)
    parts.append(_body(layers, language.head))
    return "\n".join(parts)


def _constants(layer: Layer, known: Mapping[str, Kind]) -> list[str]:
    """Each where it is used: one that isn't is a warning."""
    fast = layer.fast
    names = {name: text for one in fast.values() for name, text in one.constants.items()}
    portable = layer.code.constants
    portable += "".join(known[one.kind].defined(one) for one in layer.code.structures)
    parts = [layer.title] if portable or fast else []
    if portable:
        parts.append(_either(portable, fast))
    for name, text in names.items():
        users = tuple(one for one, its in fast.items() if name in its.constants)
        parts.append(f"#if {among(users)}\n{text}#endif\n")
    parts += [f"#if {among((one,))}\n{its.text}#endif\n" for one, its in fast.items()]
    return parts


def _body(layers: Sequence[Layer], head: str) -> str:
    lines = [head, "    (void)scratch;"]
    for layer in layers:
        lines.append(f"    {layer.title}")
        for number, (one, its) in enumerate(layer.fast.items()):
            lines.append(f"#{'elif' if number else 'if'} {among((one,))}")
            lines += [f"    {call}" for call in its.calls]
        slow = [f"    {call}" for call in layer.code.calls]
        lines += ["#else", *slow, "#endif"] if layer.fast else slow
    return "\n".join([*lines, "}\n"])


def _either(portable: str, fast: Fast) -> str:
    """Portable constants, where no set has its own."""
    return f"#if !({among(tuple(fast))})\n{portable}#endif\n" if fast else portable


def _kernel(name: str) -> str:
    """A wide kernel is the same text for weights of 16 bits, the even `add` for ties."""
    if name == "add_even":
        text = kernel("add").replace("void add(", "void add_even(")
        return kernel(name) + text.replace("high >> c.shift", "shifted_to_even(high, low, c.shift)")
    base, wide, _ = name.partition("_wide")
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
