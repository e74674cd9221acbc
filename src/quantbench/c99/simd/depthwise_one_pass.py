"""Depthwise convolutions in one pass, where registers hold the quads that an output needs.

Each block of outputs interleaves the quads that are new, and takes those that neighbouring columns
share over from the block before: nothing is stored but outputs. It pays where quads serve a single
row of outputs.
"""

from __future__ import annotations

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.simd.depthwise_layer import (
    DepthwiseLayer,
    loaded,
    operands,
    whole_blocks,
    write_constants,
    write_rows,
    write_scaled,
    write_store,
    write_words,
)
from quantbench.c99.simd.depthwise_plan import DepthwisePlan, Product, QuadSet
from quantbench.c99.target.isa import Isa

_REGISTERS = {512: 12, 256: 12, 128: 0}
"""Registers for quads, by their bits; 0 where there are too few for one pass to pay."""


def fits(plan: DepthwisePlan, isa: Isa) -> bool:
    """Whether quads serve one row, and registers hold them."""
    held = sum(4 * (_ahead(plan, quads) + 1) for quads in plan.sets)
    return plan.rows == 1 and not plan.lanes.flat and held <= _REGISTERS.get(isa.bits[0], 0)


def _ahead(plan: DepthwisePlan, quads: QuadSet) -> int:
    """The blocks that a set is computed ahead of the outputs."""
    return quads.blocks - plan.blocks


def memory(layer: DepthwiseLayer) -> int:
    """The bytes of scratch memory: a row of zero points."""
    return layer.row + layer.lanes.bytes + 64


def function(layer: DepthwiseLayer) -> str:
    """The C function (in, out, memory) of the layer."""
    lanes, bits, padding = layer.lanes, layer.bits, layer.node.padding
    c = CWriter()
    c.line(f"/* Channels in lanes, {lanes.pixels} outputs a register. */")
    arguments = "const uint8_t *in, uint8_t *out, uint8_t *memory"
    with c.function(f"static __attribute__((noinline)) void {layer.function}({arguments})"):
        c.line("uint8_t *const outside = model_aligned(memory);")
        if lanes.pixels == 1:
            c.line(f"const model_vec_{bits} pad = model_splat_{bits}({padding});")
            c.line("(void)pad;")
        c.line(f"memset(outside, {padding}, {layer.row + lanes.bytes});")
        with c.loop("k", lanes.parts):
            c.line(f"const int first = {layer.first}, plane = k * 4;")
            write_constants(c, layer, 4)
            with c.loop("y", layer.out_height):
                _write_row(c, layer)
    return c.finished()


def _write_row(c: CWriter, layer: DepthwiseLayer) -> None:
    plan, window, bits = layer.plan, layer.window, layer.bits
    c.line(f"const int top = y * {window.strides[0]} - {window.pads[0]};")
    write_rows(c, layer)
    for number, quads in enumerate(plan.sets):
        for block in range(_ahead(plan, quads)):
            c.line(f"model_planes_{bits} s{number}_{block};")
            _write_set(c, layer, number, block, str(block))
    with c.loop("b", plan.blocks):
        for number, quads in enumerate(plan.sets):
            ahead = _ahead(plan, quads)
            c.line(f"model_planes_{bits} s{number}_{ahead};")
            _write_set(c, layer, number, ahead, f"(b + {ahead})" if ahead else "b")
        for q in range(4):
            c.line(f"model_vec_{bits} a{q} = start{q};")
            for number, product in enumerate(plan.products):
                met = f"model_quads_of_{bits}({_quads(layer, product, q)})"
                c.line(f"a{q} = model_quad_product_{bits}(a{q}, {met}, t{number}_0_{q});")
            write_scaled(c, layer, f"a{q}", q)
        if layer.requantize is None:
            for q in range(4):
                write_words(c, layer, f"a{q}", str(q), "y")
        else:
            halves = f"model_halved_{bits}(a0, a1)", f"model_halved_{bits}(a2, a3)"
            write_store(c, layer, halves, "y")
        for number, quads in enumerate(plan.sets):
            for block in range(_ahead(plan, quads)):
                c.line(f"s{number}_{block} = s{number}_{block + 1};")


def _write_set(c: CWriter, layer: DepthwiseLayer, number: int, block: int, at: str) -> None:
    """Write the quads of a set in the block `at`, which may lie at an end of the row."""
    quads, bits = layer.plan.sets[number], layer.bits
    names = operands(quads)
    begin, end = whole_blocks(layer, quads)

    def load(*, whole: bool) -> None:
        for name, source in zip(names, quads.sources, strict=False):
            c.line(f"{name} = {loaded(layer, source, at, whole=whole)};")

    with c.block():
        c.line(f"model_vec_{bits} {', '.join(names[: len(quads.sources)])};")
        if begin < end:
            with c.block(f"if ({at} >= {begin} && {at} < {end})"):
                load(whole=True)
            with c.block("else"):
                load(whole=False)
        else:
            load(whole=False)
        c.line(f"s{number}_{block} = model_interleaved_{bits}({', '.join(names)});")


def _quads(layer: DepthwiseLayer, product: Product, q: int) -> str:
    """The C expression of the quads that a product meets, of one plane."""
    plane, moved = layer.lanes.moved(q, product.shift)
    whole, rest = divmod(moved, layer.lanes.bytes)
    low, high = (f"s{product.set}_{block}.plane[{plane}]" for block in (whole, whole + 1))
    return f"model_behind_{layer.bits}({low}, {high}, {rest})" if rest else low
