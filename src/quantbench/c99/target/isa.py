"""Sets of kernels for wide registers: what each needs, and how it takes values and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class KernelSet:
    """`values`: how many one product takes a lane, 4 bytes or 2 numbers of 16 bits."""

    macro: str
    condition: str
    """Of the C compiler's own macros."""
    header: str
    kernels: tuple[str, ...]
    """Files of kernels/, in the order in which one uses the other."""
    bits: tuple[int, ...]
    """Of the registers, the widest first."""
    values: int
    accumulators: int
    blocks: int
    """Most that share values: with accumulators, and a register for each, they fit."""
    latency: int
    """Products in flight that keep the widest registers busy."""
    signed: bool = False
    """Whether values are taken less 128."""
    high: bool = False
    """Whether it has the shorter requantization of simd/requantize.py."""
    pointer: str = "uint8_t"
    """What an address of values points to in C."""
    size: int = 1
    """From a value to the next, counted in what it points to."""
    element: str = "int8_t"
    """Of weights."""


_VNNI = (
    "defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) "
    "&& defined(__AVX512VL__)"
)
_NEON = "defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)"
AVX512VNNI = KernelSet(
    macro="MODEL_AVX512VNNI",
    condition=_VNNI,
    header="immintrin.h",
    kernels=("store", "avx512vnni"),
    bits=(512, 256),
    values=4,
    accumulators=16,
    blocks=4,
    latency=4,
    high=True,
)
AVX512VBMI = replace(
    AVX512VNNI,
    macro="MODEL_AVX512VBMI",
    condition=f"{_VNNI} && defined(__AVX512VBMI__)",
    kernels=(*AVX512VNNI.kernels, "pixels"),
)
AVXVNNI = KernelSet(
    macro="MODEL_AVXVNNI",
    condition="defined(__AVXVNNI__) && defined(__AVX2__)",
    header="immintrin.h",
    kernels=("store", "ymm", "avxvnni"),
    bits=(256,),
    values=4,
    accumulators=12,
    blocks=2,
    latency=8,
    high=True,
)
AVX2 = KernelSet(
    macro="MODEL_AVX2",
    condition="defined(__AVX2__)",
    header="immintrin.h",
    kernels=("store", "ymm", "avx2", "pairs"),
    bits=(256,),
    values=2,
    size=2,
    element="int16_t",
    accumulators=12,
    blocks=2,
    latency=2,
    high=True,
)
AVX2_BYTES = replace(AVX2, values=4, size=1, element="int8_t")
"""Of layers whose weights prove that sums of 16 bits hold their products: see simd/maddubs.py."""
SSE2 = KernelSet(
    macro="MODEL_SSE2",
    condition="defined(__SSE2__)",
    header="immintrin.h",
    kernels=("store", "sse2"),
    bits=(128,),
    values=2,
    size=2,
    element="int16_t",
    accumulators=12,
    blocks=2,
    latency=2,
)
NEON_DOT = KernelSet(
    macro="MODEL_NEON_DOT",
    condition=f"{_NEON} && defined(__ARM_FEATURE_DOTPROD)",
    header="arm_neon.h",
    kernels=("neon_lanes", "neon_dot"),
    bits=(128,),
    values=4,
    accumulators=16,
    blocks=4,
    latency=8,
    signed=True,
)
NEON = KernelSet(
    macro="MODEL_NEON",
    condition=_NEON,
    header="arm_neon.h",
    kernels=("neon_lanes", "neon"),
    bits=(128,),
    values=2,
    size=2,
    element="int16_t",
    accumulators=16,
    blocks=4,
    latency=4,
)
FMA = KernelSet(
    macro="MODEL_FMA",
    condition="defined(__AVX2__) && defined(__FMA__)",
    header="immintrin.h",
    kernels=("float32/fma",),
    bits=(256,),
    values=1,
    accumulators=12,
    blocks=2,
    latency=8,
    pointer="float",
    element="float",
)
"""Of float32."""
SETS = (AVX512VBMI, AVX512VNNI, AVXVNNI, AVX2, SSE2, NEON_DOT, NEON)
"""The first whose condition holds is taken."""


def choice(sets: Sequence[KernelSet]) -> str:
    """The C that sets MODEL_KERNELS, unless it is given: -DMODEL_KERNELS=0 is portable code."""
    lines = ["#define MODEL_PORTABLE 0"]
    lines += [f"#define {one.macro} {number}" for number, one in enumerate(sets, 1)]
    lines.append("#ifndef MODEL_KERNELS")
    for number, one in enumerate(sets):
        lines.append(f"#{'el' if number else ''}if {one.condition}")
        lines.append(f"#define MODEL_KERNELS {one.macro}")
    lines += ["#else", "#define MODEL_KERNELS MODEL_PORTABLE", "#endif", "#endif"]
    return "\n".join(lines) + "\n"


def among(sets: tuple[KernelSet, ...]) -> str:
    """The condition that one of them was chosen."""
    return " || ".join(f"MODEL_KERNELS == {one.macro}" for one in sets)
