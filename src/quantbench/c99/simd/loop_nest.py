"""The C function of one register tile: products of tile after tile, then the epilogue.

It is written in operations that each file of kernels/ defines for its registers: `model_vec`,
`operand`, `values`, `weights`, `product`, `sum`, `max`, `min`, `factors_of`, `requantized`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.ir.graph import Requantization
from quantbench.c99.simd.dot_product import Accumulator, Products
from quantbench.c99.simd.requantize import factors, of_channels, requantized
from quantbench.c99.simd.tiling import ConvGeometry, RegisterTile, tile_width
from quantbench.c99.target.isa import Isa


@dataclass(frozen=True)
class Epilogue:
    """Epilogue of a layer: optional clamp, pooling and requantization, then the store.

    `output` is the C type that is stored.
    """

    low: bool
    high: bool
    requantize: Requantization | None
    output: str
    mean: int = 1
    """The divisor of a pooled float sum."""

    def of_block(self, tile: RegisterTile, block: int) -> Epilogue:
        """The same, with the rounding of a block of channels in the shortest form it has."""
        if self.requantize is None:
            return self
        return replace(self, requantize=of_channels(self.requantize, tile.channels(block)))


def function(
    own: str,
    layer: str,
    products: Products,
    epilogue: Epilogue,
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
) -> str:
    """The C function `own` (in, out): one register tile, computed at every output position."""
    group, size, width = tile.group, isa.size, tile_width(geometry, tile, isa)
    tiles = -(-geometry.out_width // width)
    (sh, sw), (ph, pw) = geometry.window.strides, geometry.pooling.window.strides
    down = ph * sh * geometry.width * geometry.channels * size
    right = pw * sw * geometry.channels * size
    last = geometry.out_width - width
    begin = f"n * {width}"
    if last != (tiles - 1) * width:
        begin += f" < {last} ? n * {width} : {last}"
    sums = [
        Accumulator(t, p, b, f"a{t}_{p}_{b}")
        for t in range(width)
        for p in range(geometry.positions)
        for b in range(tile.blocks)
    ]
    arguments = f"const {isa.pointer} *in, {epilogue.output} *out"
    epilogues = [epilogue.of_block(tile, block) for block in range(tile.blocks)]
    c = CWriter()
    c.line(f"/* {channel_range(tile)}; {width} in a row at once. */")
    with (
        c.function(f"static __attribute__((noinline)) void {own}({arguments})"),
        c.loop("g", group.count),
    ):
        for line in products.head:
            c.line(line)
        c.line(f"const int first = {group.first + tile.first} + g * {group.width};")
        for block in range(tile.blocks):
            load = _channel_table(layer, "signed" if isa.offset_inputs else "start", tile, block)
            c.line(f"const model_vec_{tile.bits} start{block} = {load};")
            load_constants(c, layer, epilogues[block], tile, isa, block)
        with c.loop("y", geometry.out_height), c.loop("n", tiles):
            c.line(f"const int x = {begin};")
            c.line(f"const {isa.pointer} *const at = in + y * {down} + x * {right};")
            for a in sums:
                c.line(f"model_vec_{tile.bits} {a.name} = start{a.block};")
            products.write(c, sums)
            _write_epilogues(c, epilogues, geometry, tile, isa, sums)
    return c.finished()


def channel_range(tile: RegisterTile) -> str:
    """The comment that names the output channels of a function."""
    first = tile.group.first + tile.first
    last = first + (tile.blocks - 1) * tile.lanes + tile.filled - 1
    every = f", and so on in steps of {tile.group.width}, {tile.group.count} times"
    return f"Output channels {first} to {last}{every if tile.group.count > 1 else ''}"


def _channel_table(layer: str, table: str, tile: RegisterTile, block: int) -> str:
    """The C expression of a register of a table with a number for every channel."""
    return f"model_load_{tile.bits}({layer}_{table} + first + {block * tile.lanes})"


def load_constants(
    c: CWriter, layer: str, epilogue: Epilogue, tile: RegisterTile, isa: Isa, block: int
) -> None:
    """Load the limits and factors of a block of channels."""
    bits = tile.bits

    def load(table: str) -> str:
        return _channel_table(layer, table, tile, block)

    if epilogue.low:
        c.line(f"const model_vec_{bits} low{block} = {load('low')};")
    if epilogue.high:
        c.line(f"const model_vec_{bits} high{block} = {load('high')};")
    if epilogue.requantize:
        value = factors(epilogue.requantize, isa, bits, load("m"), load("shift"))
        c.line(f"const model_factors_{bits} factors{block} = {value};")


def _write_epilogues(
    c: CWriter,
    epilogues: Sequence[Epilogue],
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
    sums: Sequence[Accumulator],
) -> None:
    bits = tile.bits
    for a in sums:
        if epilogues[a.block].low:
            c.line(f"{a.name} = model_max_{bits}({a.name}, low{a.block});")
        if epilogues[a.block].high:
            c.line(f"{a.name} = model_min_{bits}({a.name}, high{a.block});")
    join = "max" if geometry.pooling.kind == "max" else "sum"
    for a in sums:
        if a.place:
            pooled = f"a{a.output}_0_{a.block}"
            c.line(f"{pooled} = model_{join}_{bits}({pooled}, {a.name});")
    for a in sums:
        if a.place == 0:
            _store(c, epilogues[a.block], geometry, tile, isa, a)


def _store(
    c: CWriter,
    epilogue: Epilogue,
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
    pooled: Accumulator,
) -> None:
    bits, value = tile.bits, pooled.name
    filled = tile.filled if pooled.block == tile.blocks - 1 else tile.lanes
    place = f"(y * {geometry.out_width} + x + {pooled.output}) * {geometry.outputs}"
    at = f"out + {place} + first + {pooled.block * tile.lanes}"
    if epilogue.mean > 1:
        c.line(f"{value} = model_mean_{bits}({value}, {epilogue.mean});")
    if epilogue.requantize is None:
        c.line(f"model_store_sums_{bits}({at}, {value}, {filled});")
        return
    stored = requantized(epilogue.requantize, isa, bits, value, f"factors{pooled.block}")
    c.line(f"model_store_bytes({at}, {stored}, {filled});")
