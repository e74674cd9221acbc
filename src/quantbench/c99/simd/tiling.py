"""Tiling and packing: lanes, blocks of channels, register tiles, packed weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Pooling, Window
from quantbench.c99.target.isa import Isa

_PACKED_BLOCKS = 16
_MAX_WEIGHTS = 12
"""Registers for weights beside accumulators, where there are 32."""
_FEW = 16
"""So few products leave registers to the constants of the epilogue, which else takes longer."""
_SUMS = 24
_MANY_VALUES = 256
"""The products of so large a window take longer than all else of a layer."""
_CLEARLY = 0.9
_SPARE = 2
"""Registers for values."""
_NO_POOLING = Pooling("average", Window((1, 1)))
Weights = NDArray[np.int16] | NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ConvGeometry:
    """Geometry of a convolution (NHWC); a fully connected layer is the 1x1 case."""

    width: int
    channels: int
    outputs: int
    out_height: int
    out_width: int
    window: Window
    pooling: Pooling
    weights: Weights
    """[O, runs, values of a run]"""

    @property
    def runs(self) -> tuple[int, ...]:
        """The offsets of a window's contiguous runs of values, from the window's begin."""
        (kh, kw), (dh, dw) = self.window.kernel, self.window.dilations
        row = self.width * self.channels
        columns = range(kw) if self.weights.shape[1] > kh else (0,)
        return tuple(r * dh * row + c * dw * self.channels for r in range(kh) for c in columns)

    @property
    def positions(self) -> int:
        """The number of positions that are pooled to one output."""
        return self.pooling.window.kernel[0] * self.pooling.window.kernel[1]

    @property
    def one_place(self) -> bool:
        """Whether there is a single window: the layer is fully connected."""
        return self.out_height * self.out_width * self.positions == 1

    def position(self, x: int, place: int) -> int:
        """The offset of a window from the tile's first, in values.

        `x`: the output within the tile; `place`: the position in that output's pooling window.
        """
        (sh, sw), (_, across) = self.window.strides, self.pooling.window.strides
        r, c = divmod(place, self.pooling.window.kernel[1])
        return (r * sh * self.width + (x * across + c) * sw) * self.channels


def dense_geometry(weights: Weights) -> ConvGeometry:
    """The geometry of a fully connected layer with weights [O, I]."""
    outputs, inputs = weights.shape
    return ConvGeometry(
        width=1,
        channels=inputs,
        outputs=outputs,
        out_height=1,
        out_width=1,
        window=_NO_POOLING.window,
        pooling=_NO_POOLING,
        weights=weights[:, None],
    )


def conv_geometry(
    input_shape: tuple[int, ...],
    output_shape: tuple[int, ...],
    window: Window,
    pooling: Pooling | None,
    weights: Weights,
) -> ConvGeometry:
    """The geometry of a convolution.

    Shapes are [C, H, W], weights [O, kh, kw, C / groups]; pads lie around the image already. The
    rows of a pointwise convolution lie one behind the other, so that tiles needn't end where a row
    ends.
    """
    channels, _, width = input_shape
    outputs, out_height, out_width = output_shape
    _, left, _, right = window.pads
    if pooling is None and window == Window((1, 1)):
        width, out_height, out_width = out_height * out_width, 1, out_height * out_width
    apart = window.dilations[1] > 1 or weights.shape[3] < channels
    runs = weights.shape[1] * (weights.shape[2] if apart else 1)
    return ConvGeometry(
        width=width + left + right,
        channels=channels,
        outputs=outputs,
        out_height=out_height,
        out_width=out_width,
        window=window,
        pooling=pooling or _NO_POOLING,
        weights=weights.reshape(outputs, runs, -1),
    )


def chunks(length: int, lanes_per_product: int) -> tuple[tuple[int, int], ...]:
    """The begin and length of each chunk of a run, which one lane takes at once.

    The last chunk of four bytes overlaps the one before, so that nothing behind the run is read;
    behind int16 values there is memory to read.
    """
    if lanes_per_product == 4 and length < 4:
        return ((0, length),)
    last = length - 4 if lanes_per_product == 4 else length
    begins = range(0, length, lanes_per_product)
    return tuple((min(begin, last), lanes_per_product) for begin in begins)


@dataclass(frozen=True)
class ChannelGroup:
    """Output channels whose weights are interleaved; `count` such groups follow one another."""

    width: int
    first: int
    count: int
    filled: int
    """The number of channels in the last group."""


def groups(geometry: ConvGeometry) -> tuple[ChannelGroup, ...]:
    """The channel groups of a layer, the same for all instruction sets: they share packed weights.

    A group is wide where each value is used once; else it has so few channels that registers are
    left for several positions.
    """
    outputs = geometry.outputs
    blocks, left = divmod(outputs, 16)
    if left > 8:
        blocks, left = blocks + 1, 0
    shared = max(1, min(4, _PACKED_BLOCKS // max(geometry.positions, 4)))
    if shared == 4 and _three_pay(geometry, blocks):
        shared = 3
    max_blocks = 8 if geometry.one_place else shared
    result = []
    if whole := blocks // max_blocks:
        result.append(ChannelGroup(16 * max_blocks, 0, whole, 16 * max_blocks))
    if rest := blocks % max_blocks:
        result.append(ChannelGroup(16 * rest, whole * max_blocks * 16, 1, 16 * rest))
    if left:
        result.append(ChannelGroup(8, blocks * 16, 1, left))
    elif outputs % 16:
        last = result.pop()
        if last.count > 1:
            result.append(ChannelGroup(last.width, last.first, last.count - 1, last.width))
        first = last.first + (last.count - 1) * last.width
        result.append(ChannelGroup(last.width, first, 1, outputs - first))
    return tuple(result)


def _three_pay(geometry: ConvGeometry, blocks: int) -> bool:
    """Whether groups of three blocks instead of four take clearly fewer products.

    Registers hold the sums of 8 positions then, instead of 6: a row of 7 is one tile, where it else
    is two of 4 that overlap. Counted for 24 sums, which AVX-512 has; others split a group further.
    """
    if geometry.positions > 1 or geometry.weights[0].size < _MANY_VALUES:
        return False

    def row(blocks: int) -> int:
        widths = range(1, min(geometry.out_width, _SUMS // blocks) + 1)
        return min(-(-geometry.out_width // w) * max(w * blocks, w + blocks) for w in widths)

    def total(each: int) -> int:
        rest = blocks % each
        return blocks // each * row(each) + (row(rest) if rest else 0)

    return total(3) < _CLEARLY * total(4)


def groups_of_conv(outputs: int, count: int) -> tuple[ChannelGroup, ...]:
    """The channel groups of a grouped convolution: those of the convolution itself."""
    width = outputs // count
    return (ChannelGroup(width, 0, count, width),)


@dataclass(frozen=True)
class RegisterTile:
    """The part of a group that one function computes: `blocks` registers, from channel `first`."""

    group: ChannelGroup
    bits: int
    first: int
    blocks: int
    filled: int
    """The number of channels in the last block."""

    @property
    def lanes(self) -> int:
        """The int32 or float32 lanes of a register: one output channel each."""
        return self.bits // 32

    def channel(self, block: int) -> int:
        """The block's first channel, counted from the group's first."""
        return self.first + block * self.lanes

    def channels(self, block: int) -> tuple[int, ...]:
        """The layer's channels that the block holds, in all groups."""
        filled = self.filled if block == self.blocks - 1 else self.lanes
        return tuple(
            self.group.first + group * self.group.width + self.channel(block) + lane
            for group in range(self.group.count)
            for lane in range(filled)
        )


def register_tiles(
    group: ChannelGroup, geometry: ConvGeometry, isa: Isa
) -> tuple[RegisterTile, ...]:
    """The tiles of a group: as few as the registers allow, with about equally many blocks."""
    bits = next((bits for bits in isa.bits if bits <= group.width * 32), isa.bits[-1])
    lanes = bits // 32
    blocks = -(-group.filled // lanes)
    accumulators = isa.accumulators // max(geometry.positions, 4)
    max_blocks = 8 if geometry.one_place else max(1, min(isa.blocks, accumulators))
    parts = -(-blocks // max_blocks)
    result, begin = [], 0
    for part in range(parts):
        end = blocks * (part + 1) // parts
        filled = group.filled - (end - 1) * lanes if end == blocks else lanes
        result.append(RegisterTile(group, bits, begin * lanes, end - begin, min(lanes, filled)))
        begin = end
    return tuple(result)


def tile_width(geometry: ConvGeometry, tile: RegisterTile, isa: Isa) -> int:
    """The number of adjacent outputs that are computed at once; the last tile may overlap another.

    It minimizes the estimated time, counted in products: a load takes as long as a product, beside
    it, and enough products in flight hide their latency.
    """
    latency = isa.latency * isa.bits[0] // tile.bits
    sums = geometry.positions * tile.blocks
    pairs = _pairs(geometry, isa)

    def cost(width: int) -> float:
        tiles = -(-geometry.out_width // width)
        if keeps_weights(geometry, tile, isa, width):
            loads = len(_loads(geometry, isa, width))
        else:
            loads = pairs * (tile.blocks + width * geometry.positions)
        return tiles * (max(pairs * max(width * sums, latency), loads) + loads / 8)

    few = pairs * tile.blocks <= _FEW or geometry.positions > 1
    accumulators = min(isa.accumulators, _FEW) if few else isa.accumulators
    max_width = max(1, min(geometry.out_width, accumulators // sums))
    return min(range(1, max_width + 1), key=cost)


def keeps_weights(geometry: ConvGeometry, tile: RegisterTile, isa: Isa, width: int) -> bool:
    """Whether registers hold all weights beside a tile of `width` outputs that share values."""
    weights = _pairs(geometry, isa) * tile.blocks
    places = width * geometry.positions
    left = isa.registers - _SPARE - places * tile.blocks
    if isa.registers < 32 or weights > min(_MAX_WEIGHTS, left):
        return False
    return len(_loads(geometry, isa, width)) < _pairs(geometry, isa) * places


def _pairs(geometry: ConvGeometry, isa: Isa) -> int:
    """The number of chunks of a window."""
    length: int = geometry.weights.shape[2]
    return len(geometry.runs) * -(-length // isa.lanes_per_product)


def _loads(geometry: ConvGeometry, isa: Isa, width: int) -> set[tuple[int, int]]:
    """The distinct chunks of values of a tile: offset and length."""
    return {
        (run + begin + geometry.position(output, place), count)
        for run in geometry.runs
        for begin, count in chunks(geometry.weights.shape[2], isa.lanes_per_product)
        for output in range(width)
        for place in range(geometry.positions)
    }


def packed(weights: Weights, group: ChannelGroup, lanes_per_product: int) -> Weights:
    """Weights [O, runs, length] packed as [count, runs, chunks, width, lanes_per_product].

    Where the last chunk overlaps the one before, the weights of repeated values are 0.
    """
    outputs, runs, length = weights.shape
    channels = group.count * group.width
    pieces = chunks(length, lanes_per_product)
    filled = np.zeros((channels, runs, len(pieces) * lanes_per_product), weights.dtype)
    present = weights[group.first : min(group.first + channels, outputs)]
    whole = length // lanes_per_product * lanes_per_product
    filled[: len(present), :, :whole] = present[:, :, :whole]
    if left := length - whole:
        begin = whole + (whole - pieces[-1][0])
        filled[: len(present), :, begin : begin + left] = present[:, :, whole:]
    split = filled.reshape(group.count, group.width, runs, len(pieces), lanes_per_product)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 1, 4))
