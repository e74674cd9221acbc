"""The C of kernels/, instantiated by the preprocessor.

A kernel file is C that reads macros: of the fields of its structure (`MODEL_CONV_STRIDE_W`), of its
types, of its name. The same text stands in a file a second time where a network needs it with other
macros: for weights of 16 bits, for sums that may tie, for registers of half the bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import product

from quantbench.c99.emit.c_syntax import CWriter


@dataclass(frozen=True)
class Kernel:
    """A file of kernels/ with the macros that it reads.

    `renames`: its identifiers that have another name in this instance.
    """

    file: str
    macros: Mapping[str, str] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)


@cache
def kernel(file: str) -> str:
    """The text of kernels/FILE.h."""
    return (resources.files("quantbench.c99") / "kernels" / f"{file}.h").read_text("utf-8")


class Macros:
    """The macros that a file has defined so far, with their values."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def define(self, c: CWriter, macro: str, value: str) -> None:
        """Write the definition, unless the macro has this value already."""
        if self._values.get(macro) == value:
            return
        if macro in self._values:
            c.undefine(macro)
        c.define(macro, value)
        self._values[macro] = value


def instantiate(c: CWriter, instance: Kernel, macros: Macros) -> None:
    """Write the kernel behind the definitions that it reads."""
    for macro, value in instance.macros.items():
        macros.define(c, macro, value)
    for identifier, name in instance.renames.items():
        c.define(identifier, name)
    if instance.macros or instance.renames:
        c.blank()
    c.text(kernel(instance.file))
    for identifier in instance.renames:
        c.undefine(identifier)
    c.blank()


def _w16(file: str, *identifiers: str) -> Kernel:
    """The kernel for weights that 8 bits don't hold."""
    renames = {f"model_{name}": f"model_{_with_w16(name)}" for name in identifiers}
    return Kernel(file, {"MODEL_WEIGHT": "int16_t"}, renames)


def _with_w16(name: str) -> str:
    kind, _, rest = name.partition("_")
    return f"{kind}_w16_{rest}" if rest else f"{kind}_w16"


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


_S8 = {"MODEL_WEIGHT": "int8_t"}
_DENSE = ("dot", "dense_layer", "dense_output", "dense")
_CONV = ("dense_layer", "dense", "conv_layer", "conv_window", "conv")
_SHIFT = "MODEL_ADD_SHIFT(high, low, shift)"
MAX_DEPTHWISE_TAPS = 50
"""One more than the taps of the largest window of kernels/depthwise.h."""

_WORDS = {"b": ("MODEL_BYTE", "MODEL_SET_BYTE", 1), "w": ("model_word", "model_set_word", 4)}
"""The functions of kernels/words.h that read and write a tensor, and its bytes."""


def _pairs() -> list[str]:
    """The types of an input and an output."""
    return ["".join(types) for types in product("bw", repeat=2)]


def _triples() -> list[str]:
    """The types of two inputs and an output."""
    return ["".join(types) for types in product("bw", repeat=3)]


def _ends(prefix: str, inputs: Mapping[str, str], output: str) -> dict[str, str]:
    """The macros by which a kernel reads each input, and writes its output."""
    macros = {
        f"{prefix}_SET": _WORDS[output][1],
        f"{prefix}_OUT_SIZE": str(_WORDS[output][2]),
    }
    for name, type in inputs.items():
        macros[f"{prefix}_{name}"] = _WORDS[type][0]
        macros[f"{prefix}_{name}_SIZE"] = str(_WORDS[type][2])
    return macros


def _mix(types: str) -> Kernel:
    """The sum of tensors: the types of one or two inputs, then that of the output."""
    inputs, output = types[:-1], types[-1]
    macros = _ends("MODEL_MIX", dict(zip("AB", inputs, strict=False)), output)
    own = {"MODEL_MIX_NAME": f"model_mix_{types}"}
    return Kernel("mix" if len(inputs) > 1 else "mix_one", own | macros)


def _centre(types: str) -> Kernel:
    """A change of scale between zero points by channel: the types of input and output."""
    own = {"MODEL_CENTRE_NAME": f"model_centre_{types}"}
    return Kernel("centre", own | _ends("MODEL_CENTRE", {"A": types[0]}, types[1]))


def _interpolate(type: str) -> Kernel:
    """The sums of four neighbours in a tensor of a type."""
    macros = {
        "MODEL_INTERPOLATE_NAME": f"model_interpolate_{type}",
        "MODEL_INTERPOLATE_A": _WORDS[type][0],
        "MODEL_INTERPOLATE_A_SIZE": str(_WORDS[type][2]),
    }
    return Kernel("interpolate", macros)


def _product_of_words(types: str) -> Kernel:
    """The product of two tensors: their types, then that of the output."""
    macros = _ends("MODEL_PRODUCT", dict(zip("AB", types, strict=False)), types[-1])
    return Kernel("product_words", {"MODEL_PRODUCT_NAME": f"model_product_{types}"} | macros)


def _wide_conv(types: str) -> Kernel:
    """A convolution with weights of 16 bits: the types of input and output."""
    own = {
        "MODEL_WIDE_NAME": f"model_wide_conv_{types}",
        "MODEL_WIDE_SUM": f"model_wide_sum_{types}",
    }
    return Kernel("wide_conv", own | _ends("MODEL_WIDE", {"IN": types[0]}, types[1]))


def _curve(type: str) -> Kernel:
    """A table over a grid, whose entries are of a type."""
    macros = {
        "MODEL_CURVE_NAME": f"model_curve_{type}",
        "MODEL_CURVE_SET": _WORDS[type][1],
        "MODEL_CURVE_ENTRY": {"b": "uint8_t", "w": "int32_t"}[type],
    }
    return Kernel("curve", macros)


INTEGER_KERNELS: Mapping[str, tuple[Kernel, ...]] = {
    "floor_shift": (Kernel("floor_shift"),),
    "requantize": (Kernel("requantize"),),
    "requantize_even": (Kernel("requantize_even"),),
    "requantize_common": (Kernel("requantize_common"),),
    "dot": (Kernel("dot", _S8),),
    "dot_w16": (_w16("dot", "dot"),),
    "dense": (Kernel("dense", _S8),),
    "dense_w16": (_w16("dense", *_DENSE),),
    "conv": (Kernel("conv"),),
    "conv_w16": (Kernel("conv", {}, _w16("conv", *_CONV).renames),),
    "simd32": (Kernel("simd32"),),
    "high_requantize": (Kernel("high_requantize"),),
    "depthwise": (Kernel("depthwise", {"MODEL_DEPTHWISE_TAPS": str(MAX_DEPTHWISE_TAPS)}),),
    "blocked_conv": (Kernel("blocked_conv"),),
    "pool": (Kernel("pool"),),
    "pool_sums": (Kernel("pool_sums"),),
    "add_layer": (Kernel("add_layer"),),
    "add": (Kernel("add", {_SHIFT: "((high) >> (shift))"}),),
    "add_even": (
        Kernel("add_even"),
        Kernel(
            "add",
            {_SHIFT: "model_shifted_to_even(high, low, shift)"},
            {"model_add": "model_add_even"},
        ),
    ),
    "rescale": (Kernel("rescale"),),
    "product": (Kernel("product"),),
    "extreme": (Kernel("extreme"),),
    "limit": (Kernel("limit"),),
    "smallest": (Kernel("smallest", {"MODEL_NUMBER": "uint8_t"}),),
    "broadcast": (Kernel("broadcast"),),
    **{name: (Kernel(name),) for name in ("words", "word", "set_word", "nearest")},
    **{f"mix_{types}": (_mix(types),) for types in (*_pairs(), *_triples())},
    **{f"centre_{types}": (_centre(types),) for types in _pairs()},
    "frame": (Kernel("frame"),),
    **{f"interpolate_{type}": (_interpolate(type),) for type in "bw"},
    **{f"curve_{type}": (_curve(type),) for type in "bw"},
    "lookup_words": (Kernel("lookup_words"),),
    "pool_words": (Kernel("pool_words"),),
    **{f"product_{types}": (_product_of_words(types),) for types in _triples()},
    "wide_conv_layer": (Kernel("wide_conv_layer"),),
    **{f"wide_conv_{types}": (_wide_conv(types),) for types in _pairs()},
    "lookup": (Kernel("lookup"),),
    "lookup_channels": (Kernel("lookup_channels"),),
    "concat": (Kernel("concat"),),
    "pad": (Kernel("pad"),),
    "widen": (Kernel("widen"),),
    "permute": (Kernel("permute"),),
    "rearrange": (Kernel("rearrange"),),
}
"""Portable kernels of integers, by the name that layers ask for; each uses only those before it."""

FLOAT_KERNELS: Mapping[str, tuple[Kernel, ...]] = {
    "products": (Kernel("float32/products"),),
    "lanewise": (Kernel("float32/lanewise"),),
    "clamp": (Kernel("float32/clamp"),),
    "conv": (Kernel("float32/conv"),),
    "dense": (Kernel("float32/dense"),),
    "pool": (Kernel("float32/pool"),),
    "smallest": (Kernel("smallest", {"MODEL_NUMBER": "float"}),),
    "add": (Kernel("float32/add"),),
    "activate": (Kernel("float32/activate"),),
    "concat": (Kernel("float32/concat"),),
    "pad": (Kernel("float32/pad"),),
    "interpolate": (Kernel("float32/interpolate"),),
    "broadcast": (Kernel("broadcast"),),
    "permute": (Kernel("permute"),),
    "rearrange": (Kernel("rearrange"),),
}
"""Portable kernels of float32."""

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
    return (Kernel("depthwise/aligned"), *of_width)


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
