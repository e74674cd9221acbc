"""How a layer lies in registers: lanes, blocks of channels, tiles of places, packed weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Pooling, Window
from quantbench.c99.target.isa import KernelSet

_PACKED_BLOCKS = 16
_ONE = Pooling("average", Window((1, 1)))
Weights = NDArray[np.int16] | NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Of a convolution; a fully connected layer is one of a single place."""

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
        """Where each contiguous run of a window begins."""
        (kh, kw), (dh, dw) = self.window.kernel, self.window.dilations
        row = self.width * self.channels
        columns = range(kw) if dw > 1 else (0,)
        return tuple(r * dh * row + c * dw * self.channels for r in range(kh) for c in columns)

    @property
    def positions(self) -> int:
        """Places that an output is pooled of."""
        return self.pooling.window.kernel[0] * self.pooling.window.kernel[1]

    @property
    def one_place(self) -> bool:
        return self.out_height * self.out_width * self.positions == 1

    def position(self, x: int, place: int) -> int:
        """Of a place in the pooling window of the tile's output x, from the tile's begin."""
        (sh, sw), (_, across) = self.window.strides, self.pooling.window.strides
        r, c = divmod(place, self.pooling.window.kernel[1])
        return (r * sh * self.width + (x * across + c) * sw) * self.channels


def dense_shape(weights: Weights) -> Shape:
    """Of weights [O, I]."""
    outputs, inputs = weights.shape
    return Shape(1, inputs, outputs, 1, 1, _ONE.window, _ONE, weights[:, None])


def conv_shape(
    given: tuple[int, ...], made: tuple[int, ...], window: Window, pooling: Pooling | None,
    weights: Weights,
) -> Shape:  # fmt: skip
    """Of tensors [C, H, W] and weights [O, kh, kw, C]; pads lie around the image already."""
    channels, _, width = given
    outputs, out_height, out_width = made
    _, left, _, right = window.pads
    runs = weights.shape[1] * (weights.shape[2] if window.dilations[1] > 1 else 1)
    return Shape(
        width + left + right, channels, outputs, out_height, out_width, window, pooling or _ONE,
        weights.reshape(outputs, runs, -1),
    )  # fmt: skip


def chunks(length: int, values: int) -> tuple[tuple[int, int], ...]:
    """Begin and count of what a lane takes of a run at once. Of bytes, the last four overlap those
    before, so that nothing behind the run is read; behind numbers of 16 bits there is room.
    """
    if values == 4 and length < 4:
        return ((0, length),)
    last = length - 4 if values == 4 else length
    return tuple((min(at, last), values) for at in range(0, length, values))


@dataclass(frozen=True)
class Group:
    """Output channels whose weights lie interleaved; `count` such groups follow one another."""

    width: int
    first: int
    count: int
    filled: int
    """Channels that there are in the last."""


def groups(shape: Shape) -> tuple[Group, ...]:
    """The same for all sets, which share the packed weights: many channels where values are used
    once, else as few as share the widest registers with positions.
    """
    outputs = shape.outputs
    blocks, left = divmod(outputs, 16)
    if left > 8:
        blocks, left = blocks + 1, 0
    most = 8 if shape.one_place else max(1, min(4, _PACKED_BLOCKS // max(shape.positions, 4)))
    found = []
    if whole := blocks // most:
        found.append(Group(16 * most, 0, whole, 16 * most))
    if rest := blocks % most:
        found.append(Group(16 * rest, whole * most * 16, 1, 16 * rest))
    if left:
        found.append(Group(8, blocks * 16, 1, left))
    elif outputs % 16:
        last = found.pop()
        if last.count > 1:
            found.append(Group(last.width, last.first, last.count - 1, last.width))
        first = last.first + (last.count - 1) * last.width
        found.append(Group(last.width, first, 1, outputs - first))
    return tuple(found)


@dataclass(frozen=True)
class Pass:
    """What one function computes of a group: blocks of registers from channel `at` on."""

    group: Group
    bits: int
    at: int
    blocks: int
    filled: int
    """Channels in the last block."""

    @property
    def lanes(self) -> int:
        return self.bits // 32

    def lane(self, block: int) -> int:
        """The block's first channel, from the group's."""
        return self.at + block * self.lanes


def passes(group: Group, shape: Shape, kernels: KernelSet) -> tuple[Pass, ...]:
    """As few as the registers allow, of about as many blocks each."""
    bits = next((one for one in kernels.bits if one <= group.width * 32), kernels.bits[-1])
    lanes = bits // 32
    whole = -(-group.filled // lanes)
    room = kernels.accumulators // max(shape.positions, 4)
    most = 8 if shape.one_place else max(1, min(kernels.blocks, room))
    parts = -(-whole // most)
    found, begin = [], 0
    for part in range(parts):
        end = whole * (part + 1) // parts
        filled = group.filled - (end - 1) * lanes if end == whole else lanes
        found.append(Pass(group, bits, begin * lanes, end - begin, min(lanes, filled)))
        begin = end
    return tuple(found)


def tile(shape: Shape, one: Pass, kernels: KernelSet) -> int:
    """How many outputs in a row are computed at once; the last tile may begin in the one before.

    By the time of its products: so many in flight hide their latency, and each weight is loaded
    once a tile.
    """
    latency = kernels.latency * kernels.bits[0] // one.bits
    each = shape.positions * one.blocks

    def cost(across: int) -> float:
        return -(-shape.out_width // across) * (max(across * each, latency) + one.blocks / 2)

    most = max(1, min(shape.out_width, kernels.accumulators // each))
    return min(range(1, most + 1), key=cost)


def packed(weights: Weights, group: Group, values: int) -> Weights:
    """[O, runs, length] to [count, runs, chunks, width, values]; where the last four bytes of a
    run overlap those before, they weigh nothing.
    """
    outputs, runs, length = weights.shape
    channels = group.count * group.width
    pieces = chunks(length, values)
    filled = np.zeros((channels, runs, len(pieces) * values), weights.dtype)
    have = weights[group.first : min(group.first + channels, outputs)]
    whole = length // values * values
    filled[: len(have), :, :whole] = have[:, :, :whole]
    if left := length - whole:
        begin = whole + (whole - pieces[-1][0])
        filled[: len(have), :, begin : begin + left] = have[:, :, whole:]
    split = filled.reshape(group.count, group.width, runs, len(pieces), values)
    return np.ascontiguousarray(split.transpose(0, 2, 3, 1, 4))
