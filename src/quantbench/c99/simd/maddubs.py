"""Sums in 16 bits without saturation, for CPUs that multiply bytes by pmaddubsw.

That instruction adds two products of bytes in 16 bits. Where the weights prove that several such
results can be added without leaving 16 bits, for all values 0..255, they are, and widened to 32
bits once. Chunks are put into bins of up to four that fit together; the weights are stored in that
order, with a table of the offset of each chunk's values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.emit.c_syntax import CWriter, array
from quantbench.c99.ir.weights import Constants, PackedWeights
from quantbench.c99.simd.dot_product import Accumulator, Products
from quantbench.c99.simd.tiling import (
    ConvGeometry,
    RegisterTile,
    Weights,
    chunks,
)
from quantbench.c99.target.isa import Isa

DEPTH = 4
_MAX = 32767 // 255
"""The most that the weights of one sign may amount to: 255 times this is within 16 bits."""
Integers = NDArray[np.int64]


def fits(geometry: ConvGeometry) -> bool:
    """Whether each chunk by itself stays within 16 bits, and runs have at least one whole chunk."""
    if geometry.weights.shape[2] < 4:
        return False
    return bool((_loads(_chunked(geometry.weights)) <= _MAX).all())


def binned(loads: Integers) -> list[list[int]]:
    """Pack chunks into bins of at most four, so that no 16-bit sum of a bin exceeds the limit.

    `loads` [chunks, sums]: how much each chunk adds to each sum. Returns the chunks of each bin by
    index, the fullest bins first. First-fit decreasing, into the fullest open bin with room.
    """
    members: list[list[int]] = []
    filled = np.zeros((0, loads.shape[1]), np.int64)
    open_: list[int] = []
    for item in np.argsort(-loads.max(axis=1), kind="stable"):
        fitting = (filled[open_] + loads[item] <= _MAX).all(axis=1) if open_ else np.zeros(0, bool)
        if fitting.any():
            mean = np.where(fitting, filled[open_].mean(axis=1), -1)
            bin = open_[int(mean.argmax())]
        else:
            bin = len(members)
            members.append([])
            open_.append(bin)
            filled = np.concatenate([filled, np.zeros((1, loads.shape[1]), np.int64)])
        members[bin].append(int(item))
        filled[bin] += loads[item]
        if len(members[bin]) == DEPTH:
            open_.remove(bin)
    return sorted(members, key=len, reverse=True)


def products(
    group: str, own: str, geometry: ConvGeometry, tile: RegisterTile, isa: Isa
) -> tuple[Constants, Products]:
    """The constants, by name, and the products with them.

    Constants: weights [groups, chunks in bins, blocks, lanes, 4], the offsets of their values
    [groups, chunks], and the number of bins of four, three, two and one [groups, 4].
    """
    del group
    pieces = chunks(geometry.weights.shape[2], isa.lanes_per_product)
    begins = np.array([run + begin for run in geometry.runs for begin, _ in pieces])
    width = tile.blocks * tile.lanes
    chunked = _chunked(geometry.weights)
    weights, orders, counts = [], [], []
    for g in range(tile.group.count):
        first = tile.group.first + g * tile.group.width + tile.first
        lanes = np.zeros((width, len(begins), 4), np.int64)
        present = chunked[first : first + width]
        lanes[: len(present)] = present
        bins = binned(_loads(lanes))
        order = np.array([item for bin in bins for item in bin])
        weights.append(lanes[:, order].transpose(1, 0, 2))
        orders.append(begins[order])
        counts.append([sum(len(bin) == size for bin in bins) for size in range(DEPTH, 0, -1)])
    tables = {"begins": np.stack(orders), "bins": np.array(counts)}
    head = (
        f"const int8_t *const weights = {own}_weights + (ptrdiff_t)g * {weights[0].size};",
        f"const int32_t *const begins = {own}_begins + g * {len(begins)};",
        f"const int32_t *const bins = {own}_bins + g * {DEPTH};",
    )
    constants = {
        f"{own}_{name}": array("int32_t", f"{own}_{name}", values, aligned=True)
        for name, values in tables.items()
    }
    packed = {f"{own}_weights": PackedWeights("int8_t", f"{own}_weights", np.stack(weights))}
    return packed | constants, Products(head, lambda c, sums: _write(c, geometry, tile, sums))


def _write(
    c: CWriter, geometry: ConvGeometry, tile: RegisterTile, sums: Sequence[Accumulator]
) -> None:
    """Write the products of a tile: the bins of four, then of three, two and one."""
    width = tile.blocks * tile.lanes * 4
    c.line("const int8_t *w = weights;")
    c.line("const int32_t *begin = begins;")
    for number, depth in enumerate(range(DEPTH, 0, -1)):
        with c.loop("i", f"bins[{number}]"):
            for first in range(0, len(sums), tile.blocks):
                with c.block():
                    _write_bin(c, geometry, tile, sums[first : first + tile.blocks], depth)
            c.line(f"w += {depth * width};")
            c.line(f"begin += {depth};")


def _write_bin(
    c: CWriter,
    geometry: ConvGeometry,
    tile: RegisterTile,
    blocks: Sequence[Accumulator],
    depth: int,
) -> None:
    """Write the products of one position with a bin of `depth` chunks, block by block."""
    bits, width = tile.bits, tile.blocks * tile.lanes * 4
    position = geometry.position(blocks[0].output, blocks[0].place)
    for j in range(depth):
        values = f"model_values_{bits}(at + begin[{j}] + {position})"
        c.line(f"const model_operand_{bits} v{j} = {values};")
    for a in blocks:
        b = a.block
        halves = [
            f"model_halves_{bits}(v{j}, model_weights_{bits}(w + {j * width + b * tile.lanes * 4}))"
            for j in range(depth)
        ]
        c.line(f"model_operand_{bits} s{b} = {halves[0]};")
        for half in halves[1:]:
            c.line(f"s{b} = model_sum_halves_{bits}(s{b}, {half});")
        c.line(f"{a.name} = model_sum_of_halves_{bits}({a.name}, s{b});")


def _chunked(weights: Weights) -> Integers:
    """Weights [O, runs, length] as [O, chunks, 4]; values that chunks repeat have weight 0."""
    outputs, _, length = weights.shape
    pieces = [
        np.where(np.arange(begin, begin + 4) >= 4 * number, weights[:, :, begin : begin + 4], 0)
        for number, (begin, _) in enumerate(chunks(length, 4))
    ]
    return np.stack(pieces, axis=2).reshape(outputs, -1, 4).astype(np.int64)


def _loads(chunked: Integers) -> Integers:
    """The load [chunks, sums] of weights [O, chunks, 4]: their magnitude by sign in each sum."""
    halves = chunked.reshape(*chunked.shape[:2], 2, 2)
    signs = np.stack([np.maximum(halves, 0).sum(axis=3), np.maximum(-halves, 0).sum(axis=3)])
    return np.ascontiguousarray(signs.transpose(2, 0, 1, 3).reshape(chunked.shape[1], -1))
