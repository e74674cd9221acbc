"""Points with intervals, sizes and names, and the front that no point lies beyond."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import element, line, path, text
from quantbench.report.svg.frame import NARROW, Axis, Frame, framed
from quantbench.report.svg.labels import Label, Point, placed
from quantbench.report.svg.marks import Series, mark, radius

_LARGEST = (900.0, 420.0)
"""Square pixels of the largest mark, on a wide and on a narrow chart."""
LEAST = 16.0
"""Square pixels of the smallest."""


@dataclass(frozen=True)
class Dot:
    """One point: its place, bounds along y, size from 0 to 1, and what is said of it."""

    x: float
    y: float
    size: float
    series: Series
    words: str
    """Shown when it is pointed at."""
    low: float | None = None
    high: float | None = None
    name: str = ""
    hollow: bool = False
    rim: bool = False
    beyond: bool = False
    """It lies beyond the scale: it is drawn at its edge with an arrow."""


def scatter(
    width: float, x: Axis, y: Axis, dots: Sequence[Dot], front: Sequence[tuple[float, float]],
    down: bool = True,
) -> Markup:  # fmt: skip
    """A scatter plot; names are placed in the order of `dots`, `front` is drawn as steps.

    `down`: dots beyond the scale lie below it, else above.
    """
    height = min(440.0, max(300.0, 0.62 * width))
    largest = _LARGEST[width < NARROW]

    def draw(frame: Frame) -> Iterator[Markup]:
        if front:
            yield path(_steps(frame, front), "front")
        for dot in dots:
            if dot.low is not None and dot.high is not None and not dot.beyond:
                place = frame.x.at(dot.x)
                yield line(place, frame.y.at(dot.low), place, frame.y.at(dot.high), "whisker")
        points = [_point(frame, dot, largest, down) for dot in dots]
        for point, dot in sorted(zip(points, dots, strict=True), key=_depth):
            area = max(LEAST, largest * dot.size)
            yield mark(
                point.x, point.y, area, dot.series, dot.words, hollow=dot.hollow, rim=dot.rim
            )
            if dot.beyond:
                yield _arrow(point, down)
        for label in placed(points, frame.area):
            yield from _named(label)

    return framed(width, height, x, y, draw)


def _depth(pair: tuple[Point, Dot]) -> tuple[bool, float]:
    """The order of drawing: large marks lie below small ones, and all below those with a rim."""
    return pair[1].rim, -pair[1].size


def _point(frame: Frame, dot: Dot, largest: float, down: bool) -> Point:
    area = max(LEAST, largest * dot.size)
    edge = frame.area.bottom - 16 if down else frame.area.top + 16
    return Point(
        frame.x.at(dot.x), edge if dot.beyond else frame.y.at(dot.y), radius(area), dot.name
    )


def _steps(frame: Frame, front: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    for (x, y), following in zip(front, (*front[1:], None), strict=True):
        yield frame.x.at(x), frame.y.at(y)
        end = frame.area.right if following is None else frame.x.at(following[0])
        yield end, frame.y.at(y)


def _arrow(point: Point, down: bool) -> Markup:
    sign = 1 if down else -1
    y = point.y + sign * (point.radius + 2)
    corners = (
        f"{point.x - 4:.1f},{y:.1f} {point.x + 4:.1f},{y:.1f} {point.x:.1f},{y + sign * 6:.1f}"
    )
    return element("polygon", points=corners, class_="arrow")


def _named(label: Label) -> Iterator[Markup]:
    point, box = label.point, label.box
    x = min(max(point.x, box.left), box.right)
    y = min(max(point.y, box.top), box.bottom)
    if (x - point.x) ** 2 + (y - point.y) ** 2 > (point.radius + 8) ** 2:
        yield line(point.x, point.y, x, y, "leader")
    yield text(box.left + 2, label.baseline, point.name, "start", "label")
