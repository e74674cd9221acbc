"""Marks of points, of equal area whatever their shape; a series has a colour and a shape."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import element

COLOURS = 8
SHAPES = ("circle", "square", "up", "diamond", "down", "plus", "hexagon")


@dataclass(frozen=True)
class Series:
    """The sign of a series: the class of its colour, and the name of its shape."""

    colour: str
    shape: str = "square"


def nth_series(place: int) -> Series:
    """The sign of a series by its place among others.

    Colours and shapes repeat after different numbers, so that 56 series can be told apart.
    """
    return Series(f"c{place % COLOURS}", SHAPES[place % len(SHAPES)])


def mark(
    x: float, y: float, area: float, series: Series, words: str = "", *, hollow: bool = False,
    rim: bool = False,
) -> Markup:  # fmt: skip
    """A mark of `area` square pixels at (x, y); `words` are shown when it is pointed at."""
    kind = " ".join(
        ("mark", series.colour, *(("hollow",) if hollow else ()), *(("rim",) if rim else ()))
    )
    title = (element("title", words),) if words else ()
    if series.shape == "circle":
        return element("circle", *title, cx=x, cy=y, r=math.sqrt(area / math.pi), class_=kind)
    corners = " ".join(f"{x + dx:.2f},{y + dy:.2f}" for dx, dy in _corners(series.shape, area))
    return element("polygon", *title, points=corners, class_=kind)


def radius(area: float) -> float:
    """The radius of a circle around any mark of that area, nearly."""
    return 0.75 * math.sqrt(area)


def _corners(shape: str, area: float) -> tuple[tuple[float, float], ...]:
    half = math.sqrt(area) / 2
    if shape == "square":
        return (-half, -half), (half, -half), (half, half), (-half, half)
    if shape == "diamond":
        far = half * math.sqrt(2)
        return (0, -far), (far, 0), (0, far), (-far, 0)
    if shape == "plus":
        far, near = math.sqrt(area / 5) * 1.5, math.sqrt(area / 5) * 0.5
        quarter = ((near, -far), (near, -near), (far, -near))
        return tuple(_turned(x, y, turns) for turns in range(4) for x, y in quarter)
    if shape == "hexagon":
        far = math.sqrt(2 * area / (3 * math.sqrt(3)))
        angles = (math.pi * (step / 3 + 1 / 6) for step in range(6))
        return tuple((far * math.cos(angle), far * math.sin(angle)) for angle in angles)
    side = math.sqrt(4 * area / math.sqrt(3))
    tall = side * math.sqrt(3) / 2
    sign = 1 if shape == "up" else -1
    return (0, -sign * 2 * tall / 3), (side / 2, sign * tall / 3), (-side / 2, sign * tall / 3)


def _turned(x: float, y: float, turns: int) -> tuple[float, float]:
    """The point after so many quarter turns about the origin."""
    for _ in range(turns):
        x, y = -y, x
    return x, y
