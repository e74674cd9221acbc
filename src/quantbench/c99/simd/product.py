"""SIMD code of the product of two tensors: bytes become lanes of 32 bits, and are requantized."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.emit.translation_unit import SimdCode
from quantbench.c99.ir.graph import Place, Step
from quantbench.c99.nodes.broadcast import sides, strides
from quantbench.c99.nodes.product import Product
from quantbench.c99.simd import wide
from quantbench.c99.simd.requantize import every_lane, factors, fits_int32, requantized
from quantbench.c99.target.isa import SSE2, Isa

_MOST_OF_WORDS = 2**30
_SIZES = {"uint8": 1, "int32": 4}
"""Bytes of a number."""


def code(step: Step, node: Product, isa: Isa) -> SimdCode | None:
    """The code of a product; None where the portable kernel is used.

    SSE2 would take the lanes apart to round them: no gain. The run of channels must fill a
    register.
    """
    bits, requantize = isa.bits[0], node.requantize
    lanes = bits // 32
    places, run = _sides(step)
    (multiplier, *others) = requantize.multipliers
    if isa is SSE2 or run < lanes or others:
        return None
    if not fits_int32(requantize, 255 * 255):
        return None
    name = f"{step.identifier}_product"
    m, shift = (every_lane(isa, bits, str(word)) for word in (multiplier.m, multiplier.s))
    c = CWriter()
    arguments = "const uint8_t *a, const uint8_t *b, uint8_t *out"
    vector = f"const model_vec_{bits}"
    with c.function(f"static void {name}({arguments})"):
        c.line(f"const model_factors_{bits} factors = {factors(requantize, isa, bits, m, shift)};")
        for letter, place in zip("ab", step.inputs, strict=True):
            c.line(f"{vector} zero_{letter} = {every_lane(isa, bits, str(-place.zero_point))};")
        with c.loop("y", places[0]), c.loop("x", places[1]):
            for letter, (down, right, _) in zip("ab", _strides(step), strict=True):
                c.line(f"const uint8_t *const {letter}_at = {letter} + y * {down} + x * {right};")
            with c.loop("k", run, lanes):
                c.line(f"const int c = k < {run - lanes} ? k : {run - lanes};")
                for letter, (_, _, deep) in zip("ab", _strides(step), strict=True):
                    read = f"model_widened_{bits}({letter}_at + c)"
                    if not deep:
                        read = every_lane(isa, bits, f"*{letter}_at")
                    c.line(f"{vector} from_{letter} = model_sum_{bits}({read}, zero_{letter});")
                c.line(f"{vector} product = model_times_{bits}(from_a, from_b);")
                rounded = requantized(requantize, isa, bits, "product", "factors")
                c.line(f"model_store_bytes(out + c, {rounded}, {lanes});")
            c.line(f"out += {run};")
    ends = ", ".join(place.at for place in (*step.inputs, step.output))
    kernel = f"product_{'neon' if bits == 128 else bits}"
    return SimdCode({}, c.finished(), (f"{name}({ends});",), 0, (kernel,))


def of_words(step: Step, node: Product, isa: Isa) -> SimdCode | None:
    """The code of a product that reads or writes 32 bits; None where the portable kernel is used.

    The products are below 2**30 (docs/arithmetic.md) and rounded half to even. NEON has no kernel
    that writes words.
    """
    bits, end = isa.bits[0], "neon" if isa.bits[0] == 128 else isa.bits[0]
    requantize, lanes = replace(node.requantize, ties=True), isa.bits[0] // 32
    (multiplier, *others), (places, run) = requantize.multipliers, _sides(step)
    if isa is SSE2 or run < lanes or others or not fits_int32(requantize, _MOST_OF_WORDS):
        return None
    rounded = wide.rounded(requantize, isa, bits, step.output.type)
    if rounded is None:
        return None
    name, out = f"{step.identifier}_product", _SIZES[step.output.type]
    m, shift = (every_lane(isa, bits, str(word)) for word in (multiplier.m, multiplier.s))
    c = CWriter()
    with c.function(f"static void {name}(const uint8_t *a, const uint8_t *b, void *result)"):
        c.line("uint8_t *out = result;")
        c.line(f"const model_factors_{bits} factors = {factors(requantize, isa, bits, m, shift)};")
        with c.loop("y", places[0]), c.loop("x", places[1]):
            for letter, place, (down, right, _) in _operands(step):
                size = _SIZES[place.type]
                at = f"{letter} + y * {down * size} + x * {right * size}"
                c.line(f"const uint8_t *const {letter}_at = {at};")
            with c.loop("k", run, lanes):
                c.line(f"const int c = k < {run - lanes} ? k : {run - lanes};")
                for letter, place, (_, _, deep) in _operands(step):
                    zero = every_lane(isa, bits, str(-place.zero_point))
                    read = _read(letter, place, isa, deep=deep)
                    c.line(f"const model_vec_{bits} {letter}_now = model_sum_{bits}({read}, {zero});")
                c.line(f"const model_vec_{bits} product = model_times_{bits}(a_now, b_now);")
                c.line(f"{rounded.format(to=f'out + {out} * c', value='product')};")
            c.line(f"out += {out * run};")
    ends = ", ".join(place.at for place in (*step.inputs, step.output))
    kernels = (f"ends_{end}", f"product_{end}")
    return SimdCode({}, c.finished(), (f"{name}({ends});",), 0, kernels)


def _operands(step: Step) -> list[tuple[str, Place, tuple[int, int, int]]]:
    """The letter, the tensor and the strides of each input."""
    return list(zip("ab", step.inputs, _strides(step), strict=True))


def _read(letter: str, place: Place, isa: Isa, *, deep: int) -> str:
    """The C expression of a register of one input's numbers, or of one of them in every lane."""
    word = place.type == "int32"
    if not deep:
        return every_lane(isa, isa.bits[0], f"model_word({letter}_at)" if word else f"*{letter}_at")
    of = "words" if word else "bytes"
    return f"model_from_{of}_{isa.bits[0]}({letter}_at + {_SIZES[place.type]} * c)"


def _sides(step: Step) -> tuple[tuple[int, int], int]:
    """Rows and columns, and the values of the run that both operands are read in."""
    shapes = {place.shape for place in (*step.inputs, step.output)}
    if len(shapes) == 1:
        return (1, 1), step.output.size
    height, width, channels = sides(step.output.shape)
    return (height, width), channels


def _strides(step: Step) -> list[tuple[int, int, int]]:
    return [strides(place.shape, step.output.shape) for place in step.inputs]
