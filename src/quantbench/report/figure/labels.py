"""Place names beside points so that none covers another, and no leader line crosses a name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from quantbench.report.figure.drawing import (
    BEHIND,
    GREY,
    INK,
    SMALL,
)

DIRECTIONS = (
    (1, 0), (1, 1), (1, -1), (0.25, 1), (0.25, -1), (0, 1), (0, -1), (-0.25, 1), (-0.25, -1),
    (-1, 1), (-1, -1), (-1, 0), (1, 0.4), (1, -0.4), (-1, 0.4), (-1, -0.4),
)  # fmt: skip
DISTANCES = (9, 18, 30, 44, 60, 80, 100, 125, 150)
_ALONG: dict[float, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_ACROSS: dict[float, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}


def label_points(
    figure: Figure,
    axes: Axes,
    named: Sequence[tuple[float, float, str]],
    points: Sequence[tuple[float, float]],
) -> tuple[Annotation, ...]:
    """Draw each (x, y, name) at the nearest free place, with a leader line to its point.

    A free place covers no point and no earlier name. One whose line crosses no name, and which no
    earlier line crosses, is preferred, however far it is. A name without any is left out. `points`
    are all points of the axes, in data coordinates.
    """
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    pixel = figure.dpi / 72
    marks = [
        Bbox.from_bounds(x - 6 * pixel, y - 6 * pixel, 12 * pixel, 12 * pixel)
        for x, y in axes.transData.transform(points)
    ]
    taken: list[_Place] = []
    placed = []
    for x, y, name in named:
        point, size = tuple(axes.transData.transform((x, y))), _size(axes, name)
        places = [_place(point, size, offset, pixel) for offset in _offsets()]
        boxes = [*marks, *(each.box for each in taken)]
        free = [
            place
            for place in places
            if _holds(inside, place.box) and not place.box.count_overlaps(boxes)
        ]
        clear = (place for place in free if not any(map(place.crosses, taken)))
        if chosen := next(clear, free[0] if free else None):
            taken.append(chosen)
            placed.append(_drawn(axes, (x, y), name, chosen.offset))
    return tuple(placed)


@dataclass(frozen=True)
class _Place:
    """A place for a name: points from its point, its box in pixels and its leader line."""

    offset: tuple[float, float]
    box: Bbox
    leader: Path

    def crosses(self, other: _Place) -> bool:
        """Whether the line of one crosses the box of the other."""
        pairs = ((self.leader, other.box), (other.leader, self.box))
        return any(leader.intersects_bbox(box, filled=False) for leader, box in pairs)


def _place(
    point: Sequence[float], size: tuple[float, float], offset: tuple[float, float], pixel: float
) -> _Place:
    """The place whose corner or side next to the point is at `offset` from it."""
    end = (point[0] + offset[0] * pixel, point[1] + offset[1] * pixel)
    left, bottom = (
        at - length * (1 - np.sign(away)) / 2
        for at, length, away in zip(end, size, offset, strict=True)
    )
    box = Bbox.from_bounds(left, bottom, *size).padded(2 * pixel)
    return _Place(offset, box, Path([point, end]))


def _offsets() -> Iterator[tuple[float, float]]:
    """The places to try, in points from the point, the nearest first."""
    for distance in DISTANCES:
        for right, up in DIRECTIONS:
            yield distance * right, distance * up


def _size(axes: Axes, name: str) -> tuple[float, float]:
    """The width and height of a name, in pixels."""
    text = axes.text(0, 0, name, fontsize=SMALL, parse_math=False)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _drawn(
    axes: Axes, point: tuple[float, float], name: str, offset: tuple[float, float]
) -> Annotation:
    across, up = np.sign(offset)
    line = {
        "arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 0,
        "relpos": ((1 - across) / 2, (1 - up) / 2),
    }  # fmt: skip
    label = axes.annotate(
        name,
        point,
        offset,
        textcoords="offset points",
        ha=_ALONG[across],
        va=_ACROSS[up],
        fontsize=SMALL,
        color=INK,
        bbox=BEHIND,
        arrowprops=line,
        zorder=5,
        parse_math=False,
    )
    label.set_in_layout(False)
    label.get_window_extent()  # places the text, for who asks where it is before it is drawn
    return label


def _holds(outer: Bbox, inner: Bbox) -> bool:
    wide = outer.x0 <= inner.x0 and inner.x1 <= outer.x1
    return bool(wide and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)
