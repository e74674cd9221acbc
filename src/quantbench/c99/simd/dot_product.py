"""The inner loop of a register tile: chunks of window runs times the weights of every lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from quantbench.c99.emit.c_syntax import CWriter
from quantbench.c99.ir.weights import Constants, PackedWeights
from quantbench.c99.simd.tiling import (
    ChannelGroup,
    ConvGeometry,
    RegisterTile,
    chunks,
    keeps_weights,
    packed,
)
from quantbench.c99.target.isa import Isa

_MAX_UNROLLED = 8


@dataclass(frozen=True)
class Accumulator:
    """A register of sums.

    `output`: within the tile. `place`: in the pooling window. `block`: of channels. `name`: in C.
    """

    output: int
    place: int
    block: int
    name: str


@dataclass(frozen=True)
class Products:
    """The lines before the tiles, which read the group's number `g`, and the writer of one tile."""

    head: tuple[str, ...]
    write: Callable[[CWriter, Sequence[Accumulator]], None]


def products(
    group: str, own: str, geometry: ConvGeometry, tile: RegisterTile, isa: Isa
) -> tuple[Constants, Products]:
    """The group's packed weights, by name, and the products with them.

    Other tiles and instruction sets share the weights.
    """
    del own
    weights = f"{group}_weights_{isa.element.removesuffix('_t')}"
    chunk_count = len(geometry.runs) * len(_chunks(geometry, isa))
    step = chunk_count * tile.group.width * isa.lanes_per_product
    head = (f"const {isa.element} *const weights = {weights} + (ptrdiff_t)g * {step};",)

    def write(c: CWriter, sums: Sequence[Accumulator]) -> None:
        if not _write_shared(c, geometry, tile, isa, sums):
            _write(c, geometry, tile, isa, sums)

    stored = _weights(geometry, tile.group, isa.lanes_per_product, isa.element, weights)
    return {weights: stored}, Products(head, write)


@lru_cache(maxsize=16)  # tiles and instruction sets of one layer share them
def _weights(
    geometry: ConvGeometry, group: ChannelGroup, lanes_per_product: int, element: str, name: str
) -> PackedWeights:
    """The packed weights of a group of channels."""
    values = packed(geometry.weights, group, lanes_per_product).ravel()
    stored = np.pad(values, (0, _read_behind(group) * lanes_per_product))
    return PackedWeights(element, name, stored)


def _read_behind(group: ChannelGroup) -> int:
    """The lanes that a register may read behind the last weights of a grouped convolution."""
    whole = group.width % 16 == 0 or (group.width == 8 and group.count == 1)
    return 0 if whole else -group.width % 16


def _chunks(geometry: ConvGeometry, isa: Isa) -> tuple[tuple[int, int], ...]:
    return chunks(geometry.weights.shape[2], isa.lanes_per_product)


def _write(
    c: CWriter,
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
    sums: Sequence[Accumulator],
) -> None:
    """Write the products of a tile: unrolled for a few chunks, a loop for many."""
    pieces, size, bits = _chunks(geometry, isa), isa.size, tile.bits
    runs = [run * size for run in geometry.runs]
    begin = f"r * {runs[-1] // max(1, len(runs) - 1)}"
    chains = _chains(tile, isa, sums)
    for chain in chains[1:]:
        for accumulator in chain:
            c.line(f"model_vec_{bits} {accumulator.name} = model_zero_{bits}();")
    if len(runs) > geometry.window.kernel[0]:
        c.line(f"static const int runs[] = {{{', '.join(map(str, runs))}}};")
        begin = "runs[r]"
    step = tile.group.width * isa.lanes_per_product
    whole = sum(
        count == isa.lanes_per_product and first == isa.lanes_per_product * k
        for k, (first, count) in enumerate(pieces)
    )
    looped = whole // len(chains) * len(chains) if whole > _MAX_UNROLLED else 0
    with c.loop("r", len(runs)):
        c.line(f"const {isa.pointer} *const row = at + {begin};")
        c.line(f"const {isa.element} *const w = weights + r * {len(pieces) * step};")
        if looped:
            with c.loop("k", looped, len(chains)):
                for number, chain in enumerate(chains):
                    chunk = f"(k + {number})"
                    offset = f"{chunk} * {isa.lanes_per_product * size}"
                    values = _Values(offset, isa.lanes_per_product)
                    _write_chunk(c, geometry, tile, isa, chain, chunk, values)
        for k in range(looped, len(pieces)):
            first, count = pieces[k]
            values = _Values(str(first * size), count)
            _write_chunk(c, geometry, tile, isa, chains[k % len(chains)], str(k), values)
    for chain in chains[1:]:
        for total, part in zip(sums, chain, strict=True):
            c.line(f"{total.name} = model_sum_{bits}({total.name}, {part.name});")


def _chains(
    tile: RegisterTile, isa: Isa, sums: Sequence[Accumulator]
) -> list[Sequence[Accumulator]]:
    """Sets of partial sums, enough to hide a product's latency; chunks go to them in turn."""
    latency = isa.latency * isa.bits[0] // tile.bits
    count = 1
    while count < 4 and len(sums) * count <= latency:
        count *= 2
    if len(sums) * count > isa.accumulators:
        count = 1
    more = [
        [Accumulator(a.output, a.place, a.block, f"{a.name}_{chain}") for a in sums]
        for chain in range(1, count)
    ]
    return [sums, *more]


@dataclass(frozen=True)
class _Values:
    """The values of a run that a lane takes: their offset in C, and their number."""

    offset: str
    count: int


def _write_chunk(
    c: CWriter,
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
    sums: Sequence[Accumulator],
    chunk: str,
    values: _Values,
) -> None:
    """Write the products of one chunk of a run with every position."""
    bits = tile.bits
    load = "kept" if len(sums) > tile.blocks else "weights"
    with c.block():
        for b in range(tile.blocks):
            lane = tile.channel(b) * isa.lanes_per_product
            place = f"w + {chunk} * {tile.group.width * isa.lanes_per_product} + {lane}"
            c.line(f"const model_operand_{bits} w{b} = model_{load}_{bits}({place});")
        for a in sums:
            value = f"v{a.output}_{a.place}"
            if a.block == 0:
                position = geometry.position(a.output, a.place) * isa.size
                at = f"row + {values.offset} + {position}"
                spread = _spread(bits, at, isa, values.count)
                c.line(f"const model_operand_{bits} {value} = {spread};")
            c.line(f"{a.name} = model_product_{bits}({a.name}, {value}, w{a.block});")


def _write_shared(
    c: CWriter,
    geometry: ConvGeometry,
    tile: RegisterTile,
    isa: Isa,
    sums: Sequence[Accumulator],
) -> bool:
    """Write the products where registers hold all weights and windows overlap.

    Four values that several windows share are loaded once. Writes nothing and returns False where
    that doesn't pay.
    """
    if not keeps_weights(geometry, tile, isa, 1 + max(a.output for a in sums)):
        return False
    bits, pieces = tile.bits, _chunks(geometry, isa)
    pairs = [(r, k) for r in range(len(geometry.runs)) for k in range(len(pieces))]
    uses: dict[tuple[int, int], list[str]] = {}
    for r, k in pairs:
        begin, count = pieces[k]
        for a in sums:
            at = (geometry.runs[r] + begin + geometry.position(a.output, a.place)) * isa.size
            product = f"{a.name} = model_product_{bits}({a.name}, v, w{r}_{k}_{a.block});"
            uses.setdefault((at, count), []).append(product)
    for number, (r, k) in enumerate(pairs):
        for b in range(tile.blocks):
            place = (number * tile.group.width + tile.channel(b)) * isa.lanes_per_product
            load = f"model_kept_{bits}(weights + {place})"
            c.line(f"const model_operand_{bits} w{r}_{k}_{b} = {load};")
    for (at, count), lines in sorted(uses.items()):
        with c.block():
            spread = _spread(bits, f"at + {at}", isa, count)
            c.line(f"const model_operand_{bits} v = {spread};")
            for line in lines:
                c.line(line)
    return True


def _spread(bits: int, at: str, isa: Isa, count: int) -> str:
    """The C expression that copies values to every lane."""
    if count == isa.lanes_per_product:
        return f"model_values_{bits}({at})"
    return f"model_part_{bits}({at}, {count})"
