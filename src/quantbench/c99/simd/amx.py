"""Convolutions in the tiles of AMX: 16 outputs of a row and 16 channels in one register of sums.

A row of a tile of values is a piece of one window, as it lies in the image, and a tile of weights
is a part of those that AVX-512 VNNI has: both sets share them. Sums begin at the biases, are stored
once, and are then rounded as by AVX-512. The processor multiplies the tiles of one step while it
rounds the sums of the step before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.ir.weights import PackedWeights
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.simd.loop_nest import Epilogue, channel_range, load_constants
from quantbench.c99.simd.requantize import requantized
from quantbench.c99.simd.tiling import ChannelGroup, ConvGeometry, RegisterTile, packed
from quantbench.c99.target.isa import Isa

_ROWS = 16
_COLUMNS = 64
_LANES = 16
_TILES = 8
_LINE = 64
_MANY_VALUES, _SOME_VALUES, _MANY_PLACES = 64, 32, 784
_SHORTEST = 12
"""Bytes of a row of values: at 8 a product of tiles takes as long as by AVX-512."""
_FROM_AFAR = 2**18
"""Bytes of weights of a layer that other layers drive out of the second-level cache."""
_CLEARLY = 0.75
_MOST_SUMS = 6
_STRIPS = {1: 4, 2: 2, 3: 2}
"""The tiles of outputs that are computed at once beside so many blocks of channels.

4 to 6 of the tiles hold sums, enough to hide a product's latency; one holds values, the others
weights.
"""


def fits(node: Conv, geometry: ConvGeometry) -> bool:
    """Whether tiles hold a convolution, and are faster than registers of 512 bits.

    A product of tiles takes as long for a short piece of a window as for one of 64 bytes, and sums
    pass through memory: that pays from so many values of a window on, with fewer in large images,
    where loading the shapes takes no part of the time. A window whose runs don't divide into words
    of four bytes reads some behind it, which a frame around the image makes room for.
    """
    _, runs, length = geometry.weights.shape
    values, places = runs * length, geometry.out_height * geometry.out_width
    enough = values >= _MANY_VALUES or (values >= _SOME_VALUES and places >= _MANY_PLACES)
    return (
        node.groups == 1
        and geometry.positions == 1
        and not geometry.one_place
        and (length % 4 == 0 or any(node.window.pads))
        and _piece(length) >= _SHORTEST
        and enough
    )


def own_weights(geometry: ConvGeometry, group: ChannelGroup, name: str) -> PackedWeights | None:
    """The weights of a group where runs are no whole words; None: those of AVX-512 serve."""
    length = geometry.weights.shape[2]
    if length % 4 == 0:
        return None
    words: NDArray[np.int16] = np.pad(
        geometry.weights.astype(np.int16), ((0, 0), (0, 0), (0, -length % 4))
    )
    return PackedWeights("int8_t", name, packed(words, group, 4).ravel())


def takes(group: ChannelGroup) -> bool:
    """Whether a group of channels is whole registers; another is left to AVX-512."""
    return group.width % _LANES == 0


def register_tiles(group: ChannelGroup, geometry: ConvGeometry) -> tuple[RegisterTile, ...]:
    """The parts of a group, of equally many blocks of channels, one to three.

    Where the sums of a whole image fit beside one block or two, weights are read only once.
    """
    blocks = -(-group.filled // _LANES)
    few = {3: 2, 4: 1}.get(_plan(geometry, 1).tiles, 3 if blocks == 3 else 2)
    size = few if blocks % few == 0 else 1
    parts = range(0, blocks, size)
    last = group.filled - (blocks - 1) * _LANES
    return tuple(
        RegisterTile(group, 512, at * _LANES, size, last if at + size == blocks else _LANES)
        for at in parts
    )


def whole(tiles: Sequence[RegisterTile]) -> RegisterTile:
    """All blocks of a group as one tile."""
    return replace(tiles[-1], first=0, blocks=sum(tile.blocks for tile in tiles))


def _piece(length: int) -> int:
    """The bytes of a window's run that a row of a tile takes; 0: it can't be divided evenly."""
    words = -(-length // 4)
    pieces = -(-words * 4 // _COLUMNS)
    even = (count for count in range(pieces, 2 * pieces + 1) if words % count == 0)
    return next((words * 4 // count for count in even), 0)


@dataclass(frozen=True)
class _Plan:
    """The shapes of the tiles of one function.

    `width`, `height`: of the outputs, in rows that tiles divide; where `flat`, all rows are one,
    with what windows that leave a row on the right would give between them. `rows`: outputs of a
    tile. `in_row`: tiles of a row; the last may overlap another. `strips`: tiles that are computed
    at once, in each of `steps`. `piece`: bytes of a row of values, of `pieces` in a run.
    """

    width: int
    height: int
    flat: bool
    strips: int
    piece: int
    pieces: int

    @property
    def in_row(self) -> int:
        return -(-self.width // _ROWS)

    @property
    def rows(self) -> int:
        return -(-self.width // self.in_row)

    @property
    def tiles(self) -> int:
        return self.in_row * self.height

    @property
    def steps(self) -> int:
        return -(-self.tiles // self.strips)


def _plan(geometry: ConvGeometry, blocks: int) -> _Plan:
    length = geometry.weights.shape[2]
    piece = _piece(length)
    by_row = _Plan(geometry.out_width, geometry.out_height, False, 1, piece, -(-length // piece))
    between = geometry.width - geometry.out_width
    width = (geometry.out_height - 1) * geometry.width + geometry.out_width
    flat = replace(by_row, width=width, height=1, flat=True)
    can_be = geometry.window.strides == (1, 1) and 0 < between <= geometry.out_width
    plan = flat if can_be and flat.tiles <= _CLEARLY * by_row.tiles else by_row
    strips = _MOST_SUMS // blocks if plan.tiles == 3 else _STRIPS[blocks]
    return replace(plan, strips=min(strips, plan.tiles))


def function(
    own: str,
    layer: str,
    weights: str,
    epilogue: Epilogue,
    geometry: ConvGeometry,
    tiles: Sequence[RegisterTile],
    isa: Isa,
) -> str:
    """The C function `own` (in, out), which computes a group's channels at every position."""
    group, blocks = tiles[0].group, tiles[0].blocks
    plan = _plan(geometry, blocks)
    per_group = len(geometry.runs) * plan.pieces * plan.piece * group.width
    fetched = _fetched(geometry, plan, tiles)
    c = CWriter()
    c.line(f"/* {channel_range(whole(tiles))}; {plan.strips} tiles of {plan.rows} at once. */")
    head = f"static __attribute__((noinline)) void {own}(const uint8_t *in, {epilogue.output} *out)"
    with c.function(head):
        _shapes(c, plan, blocks)
        count = plan.strips * blocks * _ROWS * _LANES
        c.line(f"int32_t sums[{count}] __attribute__((aligned(64)));")
        c.line("_tile_loadconfig(&tiles);")
        with c.loop("g", group.count):
            c.line(f"const int8_t *const weights = {weights} + (ptrdiff_t)g * {per_group};")
            if fetched:
                last = f"g < {group.count - 1}"
                c.line(f"const int8_t *const next = {last} ? weights + {per_group} : weights;")
            for part, tile in enumerate(tiles):
                epilogues = [epilogue.of_block(tile, block) for block in range(blocks)]
                with c.block():
                    c.line(f"const int first = {group.first + tile.first} + g * {group.width};")
                    for block in range(blocks):
                        load_constants(c, layer, epilogues[block], tile, isa, block)
                    with c.loop("n", plan.steps + 1):
                        with c.block(f"if (n < {plan.steps})"):
                            _begins(c, plan, "n")
                            ahead = f"(n + {part * plan.steps}) * {fetched * _LINE}"
                            fetch = [f"{ahead} + {k * _LINE}" for k in range(fetched)]
                            _products(c, layer, geometry, plan, tile, fetch)
                        with c.block("if (n > 0)"):
                            _begins(c, plan, "(n - 1)")
                            _rounded(c, epilogues, geometry, plan, tile, isa)
                        for number in range(plan.strips * blocks):
                            at = number * _ROWS * _LANES
                            c.line(f"_tile_stored({number}, sums + {at}, 64);")
        c.line("_tile_release();")
    return c.finished()


def _shapes(c: CWriter, plan: _Plan, blocks: int) -> None:
    """Write the shapes of the tiles: sums, then values, then weights."""
    sums = plan.strips * blocks
    kept = _TILES - 1 - sums
    width = [4 * _LANES] * sums + [plan.piece] + [4 * _LANES] * kept
    rows = [plan.rows] * (sums + 1) + [plan.piece // 4] * kept
    widths, heights = (", ".join(map(str, each)) for each in (width, rows))
    c.line(f"static const model_tiles tiles = {{1, 0, {{0}}, {{{widths}}}, {{{heights}}}}};")


def _begins(c: CWriter, plan: _Plan, step: str) -> None:
    """Write the number of a step's first tile; the last step may overlap the one before."""
    last = plan.tiles - plan.strips
    begin = f"{step} * {plan.strips}"
    if plan.tiles % plan.strips:
        begin += f" < {last} ? {begin} : {last}"
    c.line(f"const int tile = {begin};")


def _place(c: CWriter, geometry: ConvGeometry, plan: _Plan, strip: int) -> None:
    """Write the output position x, y at which a tile begins."""
    last = plan.width - plan.rows
    number = f"(tile + {strip})" if strip else "tile"
    x = f"{number} % {plan.in_row} * {plan.rows}"
    if last != (plan.in_row - 1) * plan.rows:
        x = f"{x} < {last} ? {x} : {last}"
    if plan.flat:
        c.line(f"const int at{strip} = {x};")
        c.line(f"const int y{strip} = at{strip} / {geometry.width};")
        c.line(f"const int x{strip} = at{strip} % {geometry.width};")
        return
    c.line(f"const int y{strip} = {number} / {plan.in_row};")
    c.line(f"const int x{strip} = {x};")


def _fetched(geometry: ConvGeometry, plan: _Plan, tiles: Sequence[RegisterTile]) -> int:
    """The lines of the next group's weights that each step fetches with a piece; 0: none."""
    group = tiles[0].group
    if geometry.weights.size < _FROM_AFAR or group.count == 1:
        return 0
    return -(-plan.piece * group.width // (_LINE * plan.steps * len(tiles)))


def _products(
    c: CWriter,
    layer: str,
    geometry: ConvGeometry,
    plan: _Plan,
    tile: RegisterTile,
    fetch: Sequence[str],
) -> None:
    """Write the products of one step, of which nothing is stored yet."""
    strips, blocks = range(plan.strips), range(tile.blocks)
    values = plan.strips * tile.blocks
    right = geometry.window.strides[1] * geometry.channels
    down = geometry.window.strides[0] * geometry.width * geometry.channels
    step = 4 * tile.group.width
    for m in strips:
        _place(c, geometry, plan, m)
        c.line(f"const uint8_t *const in{m} = in + y{m} * {down} + x{m} * {right};")
    for m in strips:
        for b in blocks:
            start = f"{layer}_start + first + {b * _LANES}"
            c.line(f"_tile_loadd({m * tile.blocks + b}, {start}, 0);")
    runs = geometry.runs
    begin = f"r * {runs[-1] // max(1, len(runs) - 1)}"
    if len(runs) > geometry.window.kernel[0]:
        c.line(f"static const int runs[] = {{{', '.join(map(str, runs))}}};")
        begin = "runs[r]"
    with c.loop("r", len(runs)), c.loop("k", plan.pieces):
        c.line(f"const ptrdiff_t from = {begin} + k * {plan.piece};")
        per_piece = plan.piece // 4 * step
        lane = f" + {tile.first * 4}" if tile.first else ""
        c.line(f"const int8_t *const w = weights + (r * {plan.pieces} + k) * {per_piece}{lane};")
        kept = _TILES - 1 - values  # tiles of weights
        for line in fetch:
            ahead = f"next + (r * {plan.pieces} + k) * {per_piece} + {line}"
            c.line(f"_mm_prefetch((const char *)({ahead}), _MM_HINT_T1);")
        for m in strips:
            c.line(f"_tile_loadd({values}, in{m} + from, {right});")
            for b in blocks:
                at = values + 1 + b % kept
                if m == 0 or tile.blocks > kept:
                    c.line(f"_tile_loadd({at}, w + {b * 4 * _LANES}, {step});")
                c.line(f"_tile_dpbusd({m * tile.blocks + b}, {values}, {at});")


def _rounded(
    c: CWriter,
    epilogues: Sequence[Epilogue],
    geometry: ConvGeometry,
    plan: _Plan,
    tile: RegisterTile,
    isa: Isa,
) -> None:
    """Write the rounding of the step before, of whose sums each row is one output's."""
    bits = tile.bits
    for m in range(plan.strips):
        with c.block():
            _place(c, geometry, plan, m)
            c.line(f"const int32_t *from = sums + {m * tile.blocks * _ROWS * _LANES};")
            place = f"(y{m} * {geometry.out_width} + x{m}) * {geometry.outputs}"
            c.line(f"{epilogues[0].output} *to = out + {place} + first;")
            if plan.flat:
                c.line(f"int x = x{m};")
            head = f"for (int row = 0; row < {plan.rows}; row++, from += {_LANES}, "
            with c.block(f"{head}to += {geometry.outputs})"):
                for b, epilogue in enumerate(epilogues):
                    at = f"from + {b * _ROWS * _LANES}" if b else "from"
                    c.line(f"model_vec_{bits} a{b} = model_load_{bits}({at});")
                    if epilogue.low:
                        c.line(f"a{b} = model_max_{bits}(a{b}, low{b});")
                    if epilogue.high:
                        c.line(f"a{b} = model_min_{bits}(a{b}, high{b});")
                    _store(c, epilogue, tile, isa, b)
                if plan.flat:
                    # what lies between two rows is overwritten by the next row
                    between = (geometry.width - geometry.out_width) * geometry.outputs
                    with c.block(f"if (++x == {geometry.width})"):
                        c.line("x = 0;")
                        c.line(f"to -= {between};")


def _store(c: CWriter, epilogue: Epilogue, tile: RegisterTile, isa: Isa, block: int) -> None:
    filled = tile.filled if block == tile.blocks - 1 else tile.lanes
    at = f"to + {block * _LANES}" if block else "to"
    if epilogue.requantize is None:
        c.line(f"model_store_sums_{tile.bits}({at}, a{block}, {filled});")
        return
    stored = requantized(epilogue.requantize, isa, tile.bits, f"a{block}", f"factors{block}")
    c.line(f"model_store_bytes({at}, {stored}, {filled});")
