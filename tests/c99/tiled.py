"""Layers that AMX computes in tiles, of each shape that it treats in its own way, and others."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.c99.ir.graph import Graph, Window
from tests.c99.builder import Builder

_SAME = (1, 1, 1, 1)


@dataclass(frozen=True)
class Tiled:
    """A convolution: the shape of its image [C, H, W], its outputs and its window."""

    image: tuple[int, int, int]
    outputs: int
    window: Window
    fits: bool = True


TILED = {
    "a row of several tiles, the last of which overlaps": Tiled(
        (32, 5, 19), 32, Window((3, 3), pads=_SAME)
    ),
    "one tile a row, a run of two pieces of 48": Tiled(
        (32, 14, 14), 16, Window((3, 3), pads=_SAME)
    ),
    "all rows as one, in one step of four tiles": Tiled((64, 7, 7), 96, Window((3, 3), pads=_SAME)),
    "all rows as one, in one step of three": Tiled((64, 6, 6), 64, Window((3, 3), pads=_SAME)),
    "all rows as one, in steps that overlap": Tiled((64, 8, 8), 64, Window((3, 3), pads=_SAME)),
    "all rows as one, without a frame": Tiled((16, 9, 9), 48, Window((3, 3))),
    "strides": Tiled((32, 15, 13), 48, Window((3, 3), (2, 2), _SAME)),
    "strides without a frame": Tiled((64, 9, 31), 32, Window((1, 1), (2, 2))),
    "dilations": Tiled((64, 12, 12), 32, Window((3, 3), pads=(2, 2, 2, 2), dilations=(2, 2))),
    "dilations of short rows": Tiled((64, 9, 9), 32, Window((3, 2), dilations=(1, 3))),
    "pointwise, three pieces of 48": Tiled((144, 5, 7), 80, Window((1, 1))),
    "pointwise, fewer outputs than a tile has rows": Tiled((256, 3, 3), 64, Window((1, 1))),
    "channels that AVX-512 computes": Tiled((64, 6, 5), 24, Window((3, 3), pads=_SAME)),
    "fewer channels than a register has": Tiled((64, 6, 5), 75, Window((3, 3), pads=_SAME)),
    "runs that are no whole words": Tiled((3, 25, 21), 32, Window((7, 7), (2, 2), (3, 3, 3, 3))),
    "runs that are no whole words, framed above": Tiled(
        (5, 9, 9), 32, Window((5, 5), pads=(2, 0, 0, 0))
    ),
    "many weights": Tiled((128, 4, 5), 256, Window((3, 3), pads=_SAME)),
    "runs that are no whole words, and no frame": Tiled(
        (3, 16, 16), 32, Window((7, 7)), fits=False
    ),
    "a small window in a small image": Tiled((32, 12, 12), 64, Window((1, 1)), fits=False),
    "a window of few values in a large image": Tiled((24, 56, 56), 16, Window((1, 1)), fits=False),
    "a window of some values in a large image": Tiled((32, 28, 28), 16, Window((1, 1))),
    "one place": Tiled((64, 3, 3), 32, Window((3, 3)), fits=False),
    "short pieces": Tiled((4, 30, 30), 16, Window((8, 2), pads=_SAME), fits=False),
}
"""Of each: whether it is computed in tiles."""


def network(tiled: Tiled, *, last: bool = False) -> Graph:
    """The layer, whose sums are rounded between two limits; `last`: behind another, not rounded."""
    build = Builder(tiled.image, type="uint8")
    if last:
        x = build.conv("input", tiled.image[0], Window((1, 1)))
        return build.graph(build.conv(x, tiled.outputs, tiled.window, last=True))
    return build.graph(build.conv("input", tiled.outputs, tiled.window, activation="clip"))
