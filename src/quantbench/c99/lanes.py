"""How a layer lies in registers: lanes, blocks of channels, tiles of places, packed weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.graph import Pooling, Window

_ACCUMULATORS = 16


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
    weights: NDArray[np.int16]
    """[O, runs, bytes of a run]"""

    @property
    def runs(self) -> tuple[int, ...]:
        """Where each contiguous run of a window begins."""
        (kh, kw), (dh, dw) = self.window.kernel, self.window.dilations
        row = self.width * self.channels
        columns = range(kw) if dw > 1 else (0,)
        return tuple(r * dh * row + c * dw * self.channels for r in range(kh) for c in columns)

    @property
    def chunks(self) -> tuple[tuple[int, int], ...]:
        """Begin and count of the bytes of a run that are multiplied at once: the last four
        overlap those before, so that nothing behind the run is read.
        """
        length = self.weights.shape[2]
        if length < 4:
            return ((0, length),)
        return tuple((min(at, length - 4), 4) for at in range(0, length, 4))

    def position(self, x: int, place: int) -> int:
        """Of a place in the pooling window of the tile's output x, from the tile's begin."""
        (sh, sw), (_, across) = self.window.strides, self.pooling.window.strides
        r, c = divmod(place, self.pooling.window.kernel[1])
        return (r * sh * self.width + (x * across + c) * sw) * self.channels


@dataclass(frozen=True)
class Group:
    """Blocks of output channels that one function computes, for as many groups as there are."""

    lanes: int
    blocks: int
    first: int
    count: int
    filled: int
    """Channels in the last block."""

    @property
    def chunk_bytes(self) -> int:
        """Weights that one chunk of values meets."""
        return self.blocks * self.lanes * 4


def groups(outputs: int, one_place: bool, positions: int) -> tuple[Group, ...]:
    """With one place blocks alone fill the registers, else they share them with positions."""
    blocks, left = divmod(outputs, 16)
    if left > 8:
        blocks, left = blocks + 1, 0
    most = 8 if one_place else max(1, min(4, _ACCUMULATORS // max(positions, 4)))
    found = []
    if whole := blocks // most:
        found.append(Group(16, most, 0, whole, 16))
    if rest := blocks % most:
        found.append(Group(16, rest, whole * most * 16, 1, 16))
    if left:
        found.append(Group(8, 1, blocks * 16, 1, left))
    elif found and outputs % 16:
        last = found.pop()
        if last.count > 1:
            found.append(Group(16, last.blocks, last.first, last.count - 1, 16))
        first = last.first + (last.count - 1) * last.blocks * 16
        found.append(Group(16, last.blocks, first, 1, outputs % 16))
    return tuple(found)


def tile(out_width: int, positions: int, blocks: int, lanes: int) -> int:
    """How many outputs in a row are computed at once; the last tile may begin in the one before.

    By the time of its products: so many in flight hide their latency, and each weight is loaded
    once a tile.
    """
    latency = 4 if lanes == 16 else 8

    def cost(across: int) -> float:
        together = across * positions * blocks
        return -(-out_width // across) * (max(together, latency) + blocks / 2)

    most = max(1, min(out_width, _ACCUMULATORS // (positions * blocks)))
    return min(range(1, most + 1), key=cost)


def packed(weights: NDArray[np.int16], group: Group) -> NDArray[np.int16]:
    """[O, runs, length] to [groups, runs, chunks, blocks, lanes, 4]; the last four bytes of a run
    overlap those before, and weigh nothing where they do.
    """
    outputs, runs, length = weights.shape
    channels = group.count * group.blocks * group.lanes
    whole, left = divmod(length, 4)
    chunks = whole + (left > 0)
    filled = np.zeros((channels, runs, chunks * 4), np.int16)
    have = weights[group.first : min(group.first + channels, outputs)]
    filled[: len(have), :, : whole * 4] = have[:, :, : whole * 4]
    if left:
        begin = whole * 4 + (4 - left if whole else 0)
        filled[: len(have), :, begin : begin + left] = have[:, :, whole * 4 :]
    split = filled.reshape(group.count, group.blocks, group.lanes, runs, chunks, 4)
    return np.ascontiguousarray(split.transpose(0, 3, 4, 1, 2, 5))
