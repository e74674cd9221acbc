"""Place names beside points so that none covers a point or another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quantbench.report.svg.element import FONT, text_width

_DIRECTIONS = ((1, 0), (-1, 0), (1, -1), (-1, -1), (1, 1), (-1, 1), (0, -1), (0, 1))
_DISTANCES = (6.0, 12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 90.0)
_PADDING = 2.0


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether two rectangles share any area."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def within(self, other: Box) -> bool:
        """Whether it lies wholly in the other."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True)
class Point:
    """A drawn mark, its radius, and its name, which is empty for one that needs no label."""

    x: float
    y: float
    radius: float
    name: str = ""


@dataclass(frozen=True)
class Label:
    """A placed name: the box of its text, and the point that it belongs to."""

    point: Point
    box: Box

    @property
    def baseline(self) -> float:
        """The y of the text's baseline."""
        return self.box.bottom - _PADDING - 0.22 * FONT


def placed(points: Sequence[Point], inside: Box) -> tuple[Label, ...]:
    """The labels of the named points, in their order: the first have the choice.

    A name for which there is no free place is left out.
    """
    taken = [Box(p.x - p.radius, p.y - p.radius, p.x + p.radius, p.y + p.radius) for p in points]
    labels: list[Label] = []
    for point in points:
        if not point.name:
            continue
        free = (
            box
            for box in _boxes(point)
            if box.within(inside) and not any(box.overlaps(other) for other in taken)
        )
        if (box := next(free, None)) is not None:
            taken.append(box)
            labels.append(Label(point, box))
    return tuple(labels)


def _boxes(point: Point) -> Iterator[Box]:
    """The places to try, the nearest first."""
    width = text_width(point.name) + 2 * _PADDING
    height = FONT + 2 * _PADDING
    for distance in _DISTANCES:
        for right, down in _DIRECTIONS:
            away = point.radius + distance
            diagonal = 0.7 if right and down else 1.0
            x, y = point.x + right * away * diagonal, point.y + down * away * diagonal
            left = x - (0, width / 2, width)[(1, 0, -1).index(right)]
            top = y - (0, height / 2, height)[(1, 0, -1).index(down)]
            yield Box(left, top, left + width, top + height)
