"""SIMD instruction sets: what each needs, and how it takes values and weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from quantbench.errors import UsageError


@dataclass(frozen=True)
class Isa:
    """An instruction set for which C with intrinsics can be written."""

    name: str
    """The name for `--isa`."""
    condition: str
    """The C compiler's own macros that say that it has these instructions."""
    header: str
    kernels: tuple[str, ...]
    """Files of kernels/, each of which uses only those before it."""
    bits: tuple[int, ...]
    """The widths of its registers in bits, the widest first."""
    lanes_per_product: int
    """The values that one product takes in each lane: 4 bytes, 2 int16 or 1 float."""
    registers: int
    accumulators: int
    """The registers that a tile's sums may take; the others hold weights and values."""
    blocks: int
    """The most blocks of channels that share values: with accumulators, and a register for each,
    they fit.
    """
    latency: int
    """Products in flight that keep the widest registers busy."""
    offset_inputs: bool = False
    """Whether values are taken less 128, because both operands of a product are signed."""
    has_wide_shift: bool = False
    """Whether it has the shorter requantizations of simd/requantize.py."""
    fused: Literal["always", "if compiled", "never"] = "never"
    """Whether it fuses multiplications and additions of float32: some only by a compiler's flag."""
    pointer: str = "uint8_t"
    """The C type that an address of values points to."""
    size: int = 1
    """The distance from a value to the next, counted in what `pointer` points to."""
    element: str = "int8_t"
    """The C type of a weight."""
    base: Isa | None = None
    """The set whose kernels it has for all that its own don't compute."""

    @property
    def macro(self) -> str:
        """The value of MODEL_KERNELS that selects it in the generated C."""
        return f"MODEL_{self.name.upper()}"


_VNNI = (
    "defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) "
    "&& defined(__AVX512VL__)"
)
_NEON = "defined(__ARM_NEON) && !defined(__ARM_BIG_ENDIAN)"
AVX512VNNI = Isa(
    name="avx512vnni",
    condition=_VNNI,
    header="immintrin.h",
    kernels=("store", "few", "avx512vnni", "proved_vnni"),
    bits=(512, 256),
    lanes_per_product=4,
    registers=32,
    accumulators=24,
    blocks=4,
    latency=4,
    has_wide_shift=True,
    fused="always",
)
AVX512VBMI = replace(
    AVX512VNNI,
    name="avx512vbmi",
    condition=f"{_VNNI} && defined(__AVX512VBMI__)",
    kernels=(*AVX512VNNI.kernels, "pixels", "lookup_512"),
)
AMX_INT8 = replace(
    AVX512VBMI,
    name="amx_int8",
    condition=(
        "defined(__AMX_INT8__) && defined(__AMX_TILE__) && defined(__linux__) "
        f"&& defined(__LP64__) && {AVX512VBMI.condition}"
    ),
    kernels=(*AVX512VBMI.kernels, "tiles"),
    base=AVX512VBMI,
)
"""Tiles of 16 rows of 64 bytes, which a program must ask the kernel of Linux for: simd/tiles.py."""
AVXVNNI = Isa(
    name="avxvnni",
    condition="defined(__AVXVNNI__) && defined(__AVX2__)",
    header="immintrin.h",
    kernels=("store", "few", "ymm", "proved_ymm", "avxvnni"),
    bits=(256,),
    lanes_per_product=4,
    registers=16,
    accumulators=12,
    blocks=2,
    latency=8,
    has_wide_shift=True,
    fused="if compiled",
)
AVX2 = Isa(
    name="avx2",
    condition="defined(__AVX2__)",
    header="immintrin.h",
    kernels=("store", "few", "ymm", "proved_ymm", "avx2", "pairs"),
    bits=(256,),
    lanes_per_product=2,
    size=2,
    element="int16_t",
    registers=16,
    accumulators=12,
    blocks=2,
    latency=2,
    has_wide_shift=True,
    fused="if compiled",
)
AVX2_BYTES = replace(AVX2, lanes_per_product=4, size=1, element="int8_t")
"""AVX2 where the weights prove that sums of 16 bits hold the products: see simd/maddubs.py."""
SSE2 = Isa(
    name="sse2",
    condition="defined(__SSE2__)",
    header="immintrin.h",
    kernels=("store", "sse2"),
    bits=(128,),
    lanes_per_product=2,
    size=2,
    element="int16_t",
    registers=16,
    accumulators=12,
    blocks=2,
    latency=2,
)
NEON_DOT = Isa(
    name="neon_dot",
    condition=f"{_NEON} && defined(__ARM_FEATURE_DOTPROD)",
    header="arm_neon.h",
    kernels=("few", "neon_lanes", "neon_dot", "lookup_neon"),
    bits=(128,),
    lanes_per_product=4,
    registers=32,
    accumulators=16,
    blocks=4,
    latency=8,
    offset_inputs=True,
)
NEON = Isa(
    name="neon",
    condition=_NEON,
    header="arm_neon.h",
    kernels=("neon_lanes", "neon", "lookup_neon"),
    bits=(128,),
    lanes_per_product=2,
    size=2,
    element="int16_t",
    registers=32,
    accumulators=16,
    blocks=4,
    latency=4,
)
FMA = Isa(
    name="fma",
    condition="defined(__AVX2__) && defined(__FMA__)",
    header="immintrin.h",
    kernels=("float32/fma",),
    bits=(256,),
    lanes_per_product=1,
    registers=16,
    accumulators=12,
    blocks=2,
    latency=8,
    pointer="float",
    element="float",
)
_FULL_WIDTH = "!defined(__znver3__) && !defined(__znver4__)"
"""Zen 4, which older compilers take for znver3, halves registers of 512 bits: no gain there."""
AVX512F = replace(
    FMA,
    name="avx512f",
    condition=f"defined(__AVX512F__) && {FMA.condition} && {_FULL_WIDTH}",
    kernels=(*FMA.kernels, "float32/avx512f"),
    bits=(512, 256),
    registers=32,
    accumulators=24,
    blocks=4,
    latency=4,
)
FLOAT_ISAS = (AVX512F, FMA)
"""The instruction sets with float32 kernels; the first whose condition holds is used."""
ISAS = (AMX_INT8, AVX512VBMI, AVX512VNNI, AVXVNNI, AVX2, SSE2, NEON_DOT, NEON)
"""The instruction sets with integer kernels; the first whose condition holds is used."""


def named(names: Sequence[str], available: Sequence[Isa]) -> tuple[Isa, ...]:
    """The instruction sets called `names`, in the order of `available`.

    Raises UsageError for an unknown name.
    """
    wanted = {name.strip().lower().replace("-", "_") for name in names}
    by_name = {isa.name: isa for isa in available}
    unknown = sorted(wanted - by_name.keys())
    if unknown or not wanted:
        shown = ascii(",".join(unknown))[1:-1][:60]
        raise UsageError(f"--isa {shown}: there are kernels for {', '.join(by_name)}")
    return tuple(isa for isa in available if isa.name in wanted)


def condition_of(chosen: Sequence[Isa], available: Sequence[Isa]) -> str:
    """The preprocessor condition that one of `chosen` is selected, out of all in the file."""
    if len(chosen) == len(available) > 1:
        return "MODEL_KERNELS != MODEL_PORTABLE"
    return " || ".join(f"MODEL_KERNELS == {isa.macro}" for isa in chosen)


def condition_of_none(chosen: Sequence[Isa], available: Sequence[Isa]) -> str:
    """The preprocessor condition that none of `chosen` is selected: portable code stands there."""
    if len(chosen) == len(available):
        return "MODEL_KERNELS == MODEL_PORTABLE"
    return f"!({condition_of(chosen, available)})"
