"""The portable kernels of integers and of float32, by the names that layers ask for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from quantbench.c99.emit.instances import Kernel


def _w16(file: str, *identifiers: str) -> Kernel:
    """The kernel for weights that 8 bits don't hold."""
    renames = {f"model_{name}": f"model_{_with_w16(name)}" for name in identifiers}
    return Kernel(file, {"MODEL_WEIGHT": "int16_t"}, renames)


def _with_w16(name: str) -> str:
    kind, _, rest = name.partition("_")
    return f"{kind}_w16_{rest}" if rest else f"{kind}_w16"


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
