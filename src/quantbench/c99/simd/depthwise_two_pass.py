"""Depthwise convolutions in two passes, of as many rows of outputs as fit the first-level cache.

Quads are interleaved into scratch memory, zero points around them; then each quad meets its taps,
with two of the four planes at a time, so that taps and factors stay in registers.
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
from quantbench.c99.simd.depthwise_plan import QuadSet, used

_BAND = 12288
"""Bytes of quads that stay in the first-level cache beside input and output."""


def memory(layer: DepthwiseLayer) -> int:
    """The bytes of scratch memory: quads, halves of results, a row of zero points, alignment."""
    quads = _band(layer) * layer.plan.bytes
    return quads + _halves(layer) + layer.row + layer.lanes.bytes + 64


def _groups(layer: DepthwiseLayer) -> int:
    """The number of times that `plan.rows` rows of outputs are computed."""
    return -(-layer.out_height // layer.plan.rows)


def _band(layer: DepthwiseLayer) -> int:
    """The groups of rows that are computed in one go."""
    groups = _groups(layer)
    most = max(1, _BAND // layer.plan.bytes)
    return -(-groups // -(-groups // most))


def _halves(layer: DepthwiseLayer) -> int:
    """The bytes of a band's results of the first two planes; 0 where sums are stored at once."""
    if layer.requantize is None:
        return 0
    return _band(layer) * layer.plan.rows * layer.plan.blocks * layer.lanes.bytes


def function(layer: DepthwiseLayer) -> str:
    """The C function (in, out, memory) of the layer."""
    plan, lanes, bits, padding = layer.plan, layer.lanes, layer.bits, layer.node.padding
    groups, band, quads = _groups(layer), _band(layer), _band(layer) * layer.plan.bytes
    rows = "two rows" if plan.rows == 2 else "one row"
    c = CWriter()
    filled = "rows without gaps" if lanes.flat else f"{lanes.pixels} outputs a register"
    c.line(f"/* Channels in lanes, {filled}, {rows} of outputs at once. */")
    arguments = "const uint8_t *in, uint8_t *out, uint8_t *memory"
    with c.function(f"static __attribute__((noinline)) void {layer.function}({arguments})"):
        c.line("uint8_t *const quads = model_aligned(memory);")
        if layer.requantize is not None:
            c.line(f"uint8_t *const halves = quads + {quads};")
        c.line(f"uint8_t *const outside = quads + {quads + _halves(layer)};")
        if lanes.pixels == 1:
            c.line(f"const model_vec_{bits} pad = model_splat_{bits}({padding});")
            c.line("(void)pad;")
        c.line(f"memset(quads, {padding}, {quads});")
        c.line(f"memset(outside, {padding}, {layer.row + lanes.bytes});")
        with c.loop("k", lanes.parts):
            c.line(f"const int first = {layer.first};")
            with c.loop("begin", groups, band):
                left = f"{groups} - begin"
                c.line(f"const int count = {left} < {band} ? {left} : {band};")
                with c.loop("g", "count"):
                    _write_quads(c, layer)
                if lanes.flat:
                    with c.loop("p", lanes.phases), c.loop("h", 2):
                        _write_products(c, layer, "p")
                else:
                    with c.loop("h", 2):
                        _write_products(c, layer, "k")
    return c.finished()


def _write_quads(c: CWriter, layer: DepthwiseLayer) -> None:
    """Write the first pass for one group of rows of outputs; blocks of pads alone stay."""
    plan, window = layer.plan, layer.window
    c.line(f"uint8_t *const to = quads + g * {plan.bytes};")
    c.line(f"const int top = (begin + g) * {plan.rows * window.strides[0]} - {window.pads[0]};")
    write_rows(c, layer)
    for number, quads in enumerate(plan.sets):
        begin, end = whole_blocks(layer, quads)
        only_pads = layer.lanes.pixels == 1 and len({s.pixel for s in quads.sources}) == 1
        for low, high in ((0, begin), (begin, end), (end, quads.blocks)):
            whole = low == begin and high == end
            if low < high and (whole or not only_pads):
                with c.block(f"for (int b = {low}; b < {high}; b++)"):
                    _write_block(c, layer, number, quads, whole=whole)


def _write_block(
    c: CWriter, layer: DepthwiseLayer, number: int, quads: QuadSet, *, whole: bool
) -> None:
    bits, names = layer.bits, operands(quads)
    for name, source in zip(names, quads.sources, strict=False):
        c.line(f"const model_vec_{bits} {name} = {loaded(layer, source, 'b', whole=whole)};")
    to = f"to + {layer.plan.begin(number)} + b * {layer.lanes.bytes}"
    planes = f"model_interleaved_{bits}({', '.join(names)})"
    c.line(f"model_store_planes_{bits}({to}, {layer.plan.plane(number)}, {planes});")


def _write_products(c: CWriter, layer: DepthwiseLayer, part: str) -> None:
    """Write the second pass for two planes of a band, 2 * h and the next one.

    `part`: the counter of parts or phases.
    """
    plan, bits = layer.plan, layer.bits
    c.line(f"const int plane = {part} * 4 + 2 * h;")
    write_constants(c, layer, 2)
    with c.loop("g", "count"):
        c.line(f"const uint8_t *const from = quads + g * {plan.bytes};")
        c.line(f"const int y = (begin + g) * {plan.rows};")
        begin, step = (part, layer.lanes.phases) if layer.lanes.flat else ("0", 1)
        with c.block(f"for (int b = {begin}; b < {plan.blocks}; b += {step})"):
            for v in range(plan.rows):
                c.line(f"model_vec_{bits} a{v}_0 = start0, a{v}_1 = start1;")
            for number in range(len(plan.products)):
                for q in range(2):
                    with c.block():
                        _write_product(c, layer, number, q)
            for v in range(plan.rows):
                write_scaled(c, layer, f"a{v}_0", 0)
                write_scaled(c, layer, f"a{v}_1", 1)
            for v in range(plan.rows):
                if layer.requantize is None:
                    _write_sums(c, layer, v)
                else:
                    _write_halves(c, layer, v)


def _write_product(c: CWriter, layer: DepthwiseLayer, number: int, q: int) -> None:
    plan, bits, product = layer.plan, layer.bits, layer.plan.products[number]
    size, begin = plan.plane(product.set), plan.begin(product.set)
    (first, near), (second, far) = (layer.lanes.moved(n, product.shift) for n in (q, 2 + q))
    offsets = begin + first * size + near, begin + second * size + far
    offset = f"{offsets[0]} + h * {offsets[1] - offsets[0]}"
    if offsets[1] < offsets[0]:
        offset = f"{offsets[0]} - h * {offsets[0] - offsets[1]}"
    at = f"from + {offset} + b * {layer.lanes.bytes}"
    load = f"model_quads_of_{bits}(model_load_bytes_{bits}({at}))"
    c.line(f"const model_quads_{bits} met = {load};")
    for v in range(plan.rows):
        if used(product, v):
            sum = f"model_quad_product_{bits}(a{v}_{q}, met, t{number}_{v}_{q})"
            c.line(f"a{v}_{q} = {sum};")


def _write_halves(c: CWriter, layer: DepthwiseLayer, v: int) -> None:
    """Keep the results of the first planes; store those of the last together with them."""
    plan, bits = layer.plan, layer.bits
    kept = f"halves + ((g * {plan.rows} + {v}) * {plan.blocks} + b) * {layer.lanes.bytes}"
    c.line(f"const model_vec_{bits} half{v} = model_halved_{bits}(a{v}_0, a{v}_1);")
    with c.block("if (h == 0)"):
        c.line(f"model_store_{bits}({kept}, half{v});")
    inside = _inside(layer, v)
    with c.block(f"else {inside}" if inside else "else"):
        write_store(c, layer, (f"model_load_bytes_{bits}({kept})", f"half{v}"), f"y + {v}")


def _write_sums(c: CWriter, layer: DepthwiseLayer, v: int) -> None:
    """Store the sums of two planes, which nothing rounds."""
    with c.block(_inside(layer, v)):
        for q in range(2):
            write_words(c, layer, f"a{v}_{q}", f"2 * h + {q}", f"y + {v}")


def _inside(layer: DepthwiseLayer, v: int) -> str:
    """The C condition that row `v` of a group is a row of the output; "" where it always is."""
    beyond = v > 0 and layer.out_height % layer.plan.rows > 0
    return f"if (y + {v} < {layer.out_height})" if beyond else ""
