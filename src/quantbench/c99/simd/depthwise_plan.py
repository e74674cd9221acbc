"""Depthwise convolutions: which taps meet in 32 bits, and where their values lie.

Channels lie in lanes, of several pixels where a register holds them. A quad is four taps of one
channel: bytes of four rows, or of two rows and two columns, or of one row and four columns,
interleaved for a whole row of outputs at a time (a set). Other columns of the kernel find their
quads in the same set, some pixels further on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quantbench.c99.ir.graph import Window

Tap = tuple[int, int]
"""Row and column in the kernel."""
_MAX_PHASES = 9
"""More phases would need tables that are many times as large as the weights."""
_MAX_FLAT = 65536
"""Bytes of quads that all phases read: they have to stay in the second-level cache."""
_COLUMNS = {1: 4, 2: 2, 3: 1, 4: 1}
"""The columns of a quad, by its rows."""


@dataclass(frozen=True)
class Lanes:
    """The bytes of a register: `pixels` of `channels` each, or a part of one pixel's channels."""

    bytes: int
    channels: int
    flat: bool = False
    """Whether registers follow one another through a row, wherever its pixels end."""

    @property
    def pixels(self) -> int:
        """The pixels of a register; 0 of a flat row."""
        return 0 if self.flat else max(1, self.bytes // self.channels)

    @property
    def filled(self) -> int:
        """The bytes in use."""
        return self.bytes if self.flat else min(self.bytes, self.pixels * self.channels)

    @property
    def step(self) -> int:
        """The distance of registers in a row of outputs, in bytes."""
        return self.bytes if self.flat else self.pixels * self.channels

    @property
    def parts(self) -> int:
        """The registers of one pixel; the last may overlap the one before. 1 of a flat row."""
        return 1 if self.flat else -(-self.channels // self.bytes)

    @property
    def phases(self) -> int:
        """The registers of a flat row until one begins with the first channel again; else 1."""
        return self.channels // math.gcd(self.channels, self.bytes) if self.flat else 1

    def first(self, part: int) -> int:
        """The first channel of a part."""
        return 0 if self.flat else min(part * self.bytes, max(0, self.channels - self.bytes))

    def channel(self, part: int, byte: int) -> int | None:
        """The channel of a byte of a part, or of a phase; None where there is none."""
        if byte >= self.filled:
            return None
        if self.flat:
            return (part * self.bytes + byte) % self.channels
        return self.first(part) + byte if self.pixels == 1 else byte % self.channels

    def byte(self, plane: int, lane: int) -> int:
        """The byte whose quad is in a lane of one of the four planes."""
        return lane // 4 * 16 + plane * 4 + lane % 4

    def shift(self, pixels: int) -> int | None:
        """The distance of a quad so many pixels on, in bytes of a plane; None where it has none."""
        if self.pixels == 1:
            return pixels * self.bytes
        moved = pixels * self.channels
        return moved if self.filled == self.bytes and moved % 4 == 0 else None

    def moved(self, plane: int, shift: int) -> tuple[int, int]:
        """The plane in which quads `shift` bytes behind those of `plane` lie, and how far on.

        A plane holds four bytes of every 16: behind the last one comes the first, 16 bytes on.
        """
        rounds, place = divmod(plane + shift % 16 // 4, 4)
        return place, shift // 16 * 16 + rounds * 16


@dataclass(frozen=True)
class Source:
    """The bytes of one tap in a quad: a row of the window's, and the first output's pixel in it."""

    row: int
    pixel: int


@dataclass(frozen=True)
class QuadSet:
    """Quads of a row of outputs: `blocks` registers in each of four planes."""

    sources: tuple[Source, ...]
    """One to four; the last stands for those that are missing."""
    blocks: int


@dataclass(frozen=True)
class Product:
    """One product of every lane: quads of a set, `shift` bytes on in its planes.

    `taps`: for each of the rows of outputs, those that the quad's bytes meet; None where none does.
    """

    set: int
    shift: int
    taps: tuple[tuple[Tap | None, ...], ...]


@dataclass(frozen=True)
class DepthwisePlan:
    """How a depthwise convolution is computed, `rows` rows of outputs at once."""

    lanes: Lanes
    rows: int
    blocks: int
    """The registers of a row of outputs."""
    sets: tuple[QuadSet, ...]
    products: tuple[Product, ...]

    def plane(self, set: int) -> int:
        """The bytes of one of a set's planes."""
        return self.sets[set].blocks * self.lanes.bytes

    def begin(self, set: int) -> int:
        """The place in the quads of a row at which a set begins."""
        return sum(4 * self.plane(before) for before in range(set))

    @property
    def bytes(self) -> int:
        """The bytes of all sets."""
        return self.begin(len(self.sets))


def best_plan(
    bytes: int, channels: int, window: Window, out_height: int, out_width: int
) -> DepthwisePlan:
    """The plan of a layer for registers of so many bytes.

    A row is flat where registers of whole pixels would have many empty lanes, where columns lie
    side by side, and where the planes of quads allow it: a shift has to be a multiple of 4 bytes.
    """
    pixels, flat = Lanes(bytes, channels), Lanes(bytes, channels, flat=True)
    plan = depthwise_plan(pixels, window, out_height, out_width)
    computed = plan.blocks * pixels.parts * bytes
    allowed = window.strides[1] == 1 and channels % 4 == 0 and flat.phases <= _MAX_PHASES
    if not allowed or 10 * out_width * channels >= 9 * computed:
        return plan
    other = depthwise_plan(flat, window, out_height, out_width)
    shorter = 10 * other.blocks * bytes < 9 * computed
    return other if shorter and other.bytes <= _MAX_FLAT else plan


def depthwise_plan(lanes: Lanes, window: Window, out_height: int, out_width: int) -> DepthwisePlan:
    """The plan of a layer for registers of `lanes`.

    Two rows of outputs share the quads of neighbouring rows where those overlap.
    """
    together = window.strides[0] == window.dilations[0] == 1 and out_height > 1
    rows = 2 if together and window.kernel[0] > 1 else 1
    blocks = -(-out_width * lanes.channels // lanes.step) if lanes.pixels != 1 else out_width
    sets: list[QuadSet] = []
    products: list[Product] = []
    read = window.kernel[0] + rows - 1
    for top in range(0, read, 4):
        height = min(4, read - top)
        width = min(_COLUMNS[height], window.kernel[1])
        for left in range(0, window.kernel[1], width):
            offsets = [(r, c) for r in range(height) for c in range(width)]
            taps = tuple(
                tuple(_tap(window, top + r - v, left + c) for r, c in offsets) for v in range(rows)
            )
            sources = _sources(window, top, left, offsets)
            number, shift = _found(sets, sources, lanes, window.strides[1])
            needed = blocks + -(-shift // lanes.bytes)  # a register is a multiple of 16 bytes
            if number == len(sets):
                sets.append(QuadSet(sources, needed))
            elif needed > sets[number].blocks:
                sets[number] = QuadSet(sets[number].sources, needed)
            products.append(Product(number, shift, taps))
    return DepthwisePlan(lanes, rows, blocks, tuple(sets), tuple(products))


def _tap(window: Window, row: int, column: int) -> Tap | None:
    inside = 0 <= row < window.kernel[0] and column < window.kernel[1]
    return (row, column) if inside else None


def _sources(window: Window, top: int, left: int, offsets: Sequence[Tap]) -> tuple[Source, ...]:
    step, pad = window.dilations[1], window.pads[1]
    return tuple(Source(top + r, (left + c) * step - pad) for r, c in offsets)


def _found(
    sets: Sequence[QuadSet], sources: tuple[Source, ...], lanes: Lanes, stride: int
) -> tuple[int, int]:
    """The set that holds quads of these sources, and how far on; a new one's number where none."""
    for number, known in enumerate(sets):
        moved = sources[0].pixel - known.sources[0].pixel
        at_its_place = tuple(Source(s.row, s.pixel - moved) for s in sources)
        if at_its_place == known.sources and moved % stride == 0 and moved >= 0:
            shift = lanes.shift(moved // stride)
            if shift is not None:
                return number, shift
    return len(sets), 0


def used(product: Product, row: int) -> bool:
    """Whether a row of outputs has a tap in the product."""
    return any(tap is not None for tap in product.taps[row])
