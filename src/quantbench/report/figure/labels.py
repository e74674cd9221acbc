"""Place names beside points so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from quantbench.report.figure.drawing import (
    BEHIND,
    GREY,
    INK,
    SMALL,
)

DIRECTIONS = ((1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, 1), (-1, -1), (-1, 0))
DISTANCES = (9, 18, 30, 44, 60, 80, 100)
_ALONG = {1: "left", 0: "center", -1: "right"}
_ACROSS = {1: "bottom", 0: "center", -1: "top"}


def label_points(
    figure: Figure,
    axes: Axes,
    named: Sequence[tuple[float, float, str]],
    points: Sequence[tuple[float, float]],
) -> tuple[Annotation, ...]:
    """Draw each (x, y, name) at the nearest place where it covers no point and no earlier name.

    `points` are all points of the axes, in data coordinates.
    """
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    inside = axes.get_window_extent()
    pixel = figure.dpi / 72
    taken = [
        Bbox.from_bounds(x - 6 * pixel, y - 6 * pixel, 12 * pixel, 12 * pixel)
        for x, y in axes.transData.transform(points)
    ]
    placed = []
    for x, y, name in named:
        label = axes.annotate(
            name,
            (x, y),
            (0, 0),
            textcoords="offset points",
            fontsize=SMALL,
            color=INK,
            bbox=BEHIND,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.6, "shrinkA": 1},
            zorder=5,
            parse_math=False,
        )
        label.set_in_layout(False)
        box = Bbox.null()
        for distance, direction in ((far, way) for far in DISTANCES for way in DIRECTIONS):
            label.set(
                position=(distance * direction[0], distance * direction[1]),
                ha=_ALONG[direction[0]],
                va=_ACROSS[direction[1]],
            )
            label.get_window_extent()  # places the text; this box would include the arrow
            box = Text.get_window_extent(label).padded(2 * pixel)
            if not box.count_overlaps(taken) and _holds(inside, box):
                break
        taken.append(box)
        placed.append(label)
    return tuple(placed)


def _holds(outer: Bbox, inner: Bbox) -> bool:
    wide = outer.x0 <= inner.x0 and inner.x1 <= outer.x1
    return bool(wide and outer.y0 <= inner.y0 and inner.y1 <= outer.y1)
