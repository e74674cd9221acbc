"""The kernels of wide registers, by the names that instruction sets and layers list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.instances import Kernel, Macros, instantiate
from quantbench.c99.target.isa import Isa, condition_of

_TYPES = tuple("".join(types) for count in (2, 3) for types in product("bw", repeat=count))
"""Of kernels of bytes and of words of 32 bits: those of one or two inputs, then the output's."""
_BYTES = {"b": "1", "w": "4"}


def _registers(bits: int, type: str, lanes: str, odd: str, even: str, set1: str) -> Kernel:
    """The kernels of AVX-512 VNNI for registers of so many bits."""
    macros = {
        "MODEL_REGISTER": type,
        "MODEL_MM(name)": f"_mm{bits}_##name",
        "MODEL_V(name)": f"model_##name##_{bits}",
        "MODEL_AND": f"_mm{bits}_and_si{bits}",
        "MODEL_SET1_EPI64": f"_mm{bits}_{set1}",
        "MODEL_ODD_LANES": f"({lanes}){odd}",
        "MODEL_EVEN_LANES": f"({lanes}){even}",
    }
    return Kernel("avx512vnni", macros)


_VNNI = (
    _registers(512, "__m512i", "__mmask16", "0xAAAA", "0x5555", "set1_epi64"),
    _registers(256, "__m256i", "__mmask8", "0xAA", "0x55", "set1_epi64x"),
)


def _of_width(bits: int) -> dict[str, str]:
    """The macros of kernels for x86 registers of so many bits."""
    intrinsic = "_mm" if bits == 128 else f"_mm{bits}"
    return {
        "MODEL_REGISTER": f"__m{bits}i",
        "MODEL_MM(name)": f"{intrinsic}_##name",
        "MODEL_V(name)": f"model_##name##_{bits}",
        "MODEL_AND": f"{intrinsic}_and_si{bits}",
        "MODEL_OR": f"{intrinsic}_or_si{bits}",
    }


def _quads(bits: int, *more: str) -> tuple[Kernel, ...]:
    """The kernels of depthwise convolutions for registers of so many bits."""
    of_width = (Kernel(f"depthwise/{file}", _of_width(bits)) for file in ("quads", *more))
    store = Kernel(f"depthwise/store_{bits}"), Kernel("depthwise/store_first", _of_width(bits))
    return (Kernel("depthwise/aligned"), *of_width, *store)


_NEON = {"MODEL_REGISTER": "uint8x16_t", "MODEL_V(name)": "model_##name##_128"}


def _largest(macros: Mapping[str, str], intrinsic: str) -> tuple[Kernel, ...]:
    """The kernel of a largest value, by the instruction for the larger of each two bytes."""
    return (Kernel("bytes/largest", {**macros, "MODEL_MAX_BYTES": intrinsic}),)


def _sums(macros: Mapping[str, str], summed: int, words: str = "words") -> tuple[Kernel, ...]:
    """The kernels of sums of bytes, for so many channels at once."""
    macros = {**macros, "MODEL_SUMMED": str(summed)}
    return Kernel(f"bytes/{words}", macros), Kernel("bytes/sums", macros)


def _add(bits: int) -> dict[str, tuple[Kernel, ...]]:
    """The kernels of sums of two tensors, without ties and with them."""
    macros = _of_width(bits)
    numbers = Kernel("bytes/add_numbers", macros)
    shifted, down = "MODEL_ADD_SHIFTED(high, low, shift)", "MODEL_MM(srl_epi32)(high, shift)"
    names = {
        f"model_{name}_{bits}": f"model_{name}_even_{bits}"
        for name in ("add", "added", "sum_of_bytes")
    }
    even = macros | {shifted: "MODEL_V(shifted_to_even)(high, low, shift)"}
    return {
        f"add_{bits}": (numbers, Kernel("bytes/add", macros | {shifted: down})),
        f"add_even_{bits}": (numbers, Kernel("bytes/add", even, names)),
    }


def _product(bits: int, load: str) -> tuple[Kernel, ...]:
    return (Kernel("bytes/product", {**_of_width(bits), "MODEL_LOAD_QUARTER": load}),)


_WIDE_X86 = {
    512: ("_mm512_set1_epi64", "_mm512_mul_epi32", "_mm_loadu_si128"),
    256: ("_mm256_set1_epi64x", "_mm256_mul_epi32", "_mm_loadl_epi64"),
    128: ("_mm_set1_epi64x", "model_mul_128", ""),
}
"""By the bits of x86 registers: a number in every lane of 64 bits, the product of two of 32 bits,
and the load of a quarter."""


_GATHERS = {
    512: "_mm512_i32gather_epi32(places, table, size)",
    256: "_mm256_i32gather_epi32(table, places, size)",
}


def _wide(bits: int) -> tuple[Kernel, ...]:
    """The kernels of lanes of 64 bits on x86."""
    set1, product_, load = _WIDE_X86[bits]
    every = f"_mm{'' if bits == 128 else bits}_set1_epi32"
    macros = {
        **_of_width(bits),
        "MODEL_SET1_EPI64": set1,
        "MODEL_MUL_EPI32": product_,
        "MODEL_EVERY": every,
    }
    before: tuple[Kernel, ...]
    if bits == 128:
        before = Kernel("wide/mul_sse2"), Kernel("wide/ends_sse2")
    else:
        own = {"MODEL_LOAD_QUARTER": load, "MODEL_GATHER(table, places, size)": _GATHERS[bits]}
        before = (Kernel("wide/ends", {**_of_width(bits), **own}),)
    return (*before, Kernel("wide/lanes", macros), Kernel("wide/split", macros))


_WIDE_NEON = {
    "MODEL_REGISTER": "int32x4_t",
    "MODEL_V(name)": "model_##name##_128",
    "MODEL_EVERY": "vdupq_n_s32",
}
_WIDE = {
    **{str(bits): (bits, _of_width(bits), _wide(bits)) for bits in _WIDE_X86},
    "neon": (
        128,
        _WIDE_NEON,
        (
            Kernel("wide/ends_neon"),
            Kernel("wide/lanes_neon", _WIDE_NEON),
            Kernel("wide/split", _WIDE_NEON),
        ),
    ),
}
"""By the end of a kernel's name: its registers' bits, their macros, and what it is written in."""


def _wide_mix(types: str, end: str) -> tuple[Kernel, ...]:
    """The sum of tensors, by the types of one or two inputs, then that of the output."""
    bits, macros, before = _WIDE[end]
    own = {"MODEL_MIXED_NAME": f"model_mix_{types}_{bits}", **macros}
    reads = {"b": "from_bytes", "w": "from_words"}
    for name, type in zip("AB", types[:-1], strict=False):
        own[f"MODEL_MIXED_{name}(at)"] = f"MODEL_V({reads[type]})(at)"
        own[f"MODEL_MIXED_{name}_SIZE"] = _BYTES[type]
    writes = {"b": "set_bytes", "w": "set_words"}[types[-1]]
    own["MODEL_MIXED_SET(to, numbers)"] = f"MODEL_V({writes})(to, numbers)"
    own["MODEL_MIXED_OUT_SIZE"] = _BYTES[types[-1]]
    return (*before, Kernel("wide/mix" if len(types) > 2 else "wide/mix_one", own))


def _wide_curve(type: str, end: str) -> tuple[Kernel, ...]:
    """A table over a grid, whose entries are of a type."""
    bits, macros, before = _WIDE[end]
    own = {
        "MODEL_CURVED_NAME": f"model_curve_{type}_{bits}",
        "MODEL_CURVED_ENTRY": {"b": "uint8_t", "w": "int32_t"}[type],
        "MODEL_CURVED_SET": f"model_look_up_{'bytes' if type == 'b' else 'words'}_{bits}",
    }
    look_up = (Kernel("wide/look_up", macros),) if bits == 128 else ()
    return (*before, *look_up, Kernel("wide/curve", {**macros, **own}))


_OF_BYTES: Mapping[str, tuple[Kernel, ...]] = {
    "lookup_bytes": (Kernel("lookup", {}, {"model_lookup": "model_lookup_bytes"}),),
    "lookup_256": (Kernel("bytes/lookup_256"),),
    "lookup_words_512": (Kernel("bytes/lookup_words_512"),),
    "largest_512": _largest(_of_width(512), "_mm512_max_epu8"),
    "largest_256": _largest(_of_width(256), "_mm256_max_epu8"),
    "largest_128": _largest(_of_width(128), "_mm_max_epu8"),
    "largest_neon": _largest(_NEON, "vmaxq_u8"),
    "sums_512": _sums({**_of_width(512), "MODEL_HALF": "__m256i"}, 32),
    "sums_256": _sums({**_of_width(256), "MODEL_HALF": "__m128i"}, 16),
    "sums_128": _sums(_of_width(128), 16, "words_sse2"),
    "sums_neon": _sums(_NEON, 16, "words_neon"),
    **_add(512),
    **_add(256),
    **_add(128),
    "product_512": _product(512, "_mm_loadu_si128"),
    "product_256": _product(256, "_mm_loadl_epi64"),
    "product_neon": (Kernel("bytes/product_neon"),),
    **{f"mix_{types}_{end}": _wide_mix(types, end) for types, end in product(_TYPES, _WIDE)},
    **{f"ends_{end}": before[-3:-2] for end, (_, _, before) in _WIDE.items()},
    **{f"curve_{type}_{end}": _wide_curve(type, end) for type, end in product("bw", _WIDE)},
}
"""Kernels of layers without weights, which the code of such a layer asks for."""


def _proved(registers: Kernel, bits: int, fma: str, upper_halves: str) -> dict[str, str]:
    """The macros of proved roundings, beside those of the registers."""
    return {
        **registers.macros,
        "MODEL_REAL(words)": f"_mm{bits}_castsi{bits}_ps(words)",
        "MODEL_FMA(a, b, c)": fma,
        "MODEL_UPPER_HALVES(even, odd)": upper_halves,
    }


_MASKED = "mask_shuffle_epi32(odd, MODEL_EVEN_LANES, even, 0xF5)"
_PROVED_VNNI = tuple(
    Kernel(
        "proved",
        {**_proved(registers, bits, fma, f"_mm{bits}_{_MASKED}"), "MODEL_HAS_FMA": "1"},
    )
    for registers, bits, fma in (
        (_VNNI[0], 512, "_mm512_fmadd_ps(a, b, c)"),
        (_VNNI[1], 256, "_mm256_maskz_fmadd_ps(0xFF, a, b, c)"),
    )
)
_PROVED_YMM = (
    Kernel("fused"),
    Kernel(
        "proved",
        _proved(_VNNI[1], 256, "_mm256_fmadd_ps(a, b, c)", "model_upper_halves_256(even, odd)"),
    ),
)
_OF_REGISTERS: Mapping[str, tuple[Kernel, ...]] = {
    "avx512vnni": _VNNI,
    "quads_512": (*_quads(512), Kernel("depthwise/avx512")),
    "quads_avxvnni": (*_quads(256, "row_ends", "even_256"), Kernel("depthwise/avxvnni")),
    "quads_avx2": _quads(256, "row_ends", "words", "even_256"),
    "quads_sse2": _quads(128, "row_ends", "words", "even_128"),
    "proved_vnni": _PROVED_VNNI,
    "proved_ymm": _PROVED_YMM,
    **_OF_BYTES,
}


def isa_kernels(name: str) -> tuple[Kernel, ...]:
    """The instances of a kernel file that an instruction set or a layer's code lists."""
    return _OF_REGISTERS.get(name, (Kernel(name),))


def isa_functions(c: CWriter, isa: Isa, isas: Sequence[Isa], more: Sequence[str]) -> None:
    """Write the functions of one instruction set that the layers are written in.

    `more`: files of kernels/ that only some networks need.
    """
    macros = Macros()  # what another set defines stands between other #if and #endif
    with c.when(condition_of((isa,), isas)):
        c.directive(f"include <{isa.header}>")
        c.blank()
        written: list[Kernel] = []
        for name in (*isa.kernels, *more):
            for instance in isa_kernels(name):
                if instance not in written:
                    instantiate(c, instance, macros)
                written.append(instance)
    c.blank()
