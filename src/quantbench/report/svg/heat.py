"""A heat map: a cell for each row and column, coloured by its level, with its value in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import drawing, element, shortened, text, text_width

LEVELS = 9
"""Steps of colour, from the ground's to the strongest."""
_MARGIN = 4.0
_SLANT = 40
"""Degrees by which headings rise that are wider than their column."""
_COS = math.cos(math.radians(_SLANT))
_RISE = {_SLANT: math.sin(math.radians(_SLANT)), 90: 1.0}
_APART = 20.0
"""Pixels between slanted headings, at least: nearer ones stand upright."""


@dataclass(frozen=True)
class Cell:
    """A cell: its level from 0 to 1, or None for none, its value, and what is said of it."""

    level: float | None
    value: str
    words: str


def heat(
    width: float,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[Cell]],
    *,
    square: bool = False,
    above: str = "",
) -> Markup:
    """A heat map; `square` keeps cells square, `above` names what the columns are."""
    longest = max((text_width(name) for name in rows), default=0.0)
    left = min(0.4 * width, longest + 10)
    longest_head = max((text_width(name) for name in columns), default=0.0)
    room = min(120.0, longest_head)
    level = _cell_width(width - left, len(columns), square=square)
    slanting = _cell_width(width - left - _COS * room, len(columns), square=square)
    angle = 0 if longest_head <= level - 4 else _SLANT if slanting >= _APART else 90
    wide = slanting if angle == _SLANT else level
    tall = wide if square else 24.0
    head = (16.0 if above else 0.0) + (12.0 + _RISE[angle] * room if angle else 20.0)

    def draw() -> Iterator[Markup]:
        if above:
            yield text(left, 12, above, "start", "name")
        for place, name in enumerate(columns):
            middle = left + (place + 0.5) * wide
            yield _heading(name, middle, head - 6, angle, room)
        for row, (name, line_cells) in enumerate(zip(rows, cells, strict=True)):
            top = head + row * tall
            words = shortened(name, left - 8, middle=True)
            yield text(left - 6, top + tall / 2 + 4, words, "end", "label")
            for place, cell in enumerate(line_cells):
                yield from _cell(cell, left + place * wide, top, wide, tall)

    spare = _COS * room if angle == _SLANT else 0.0
    used = left + wide * len(columns) + spare + _MARGIN
    return drawing(used, head + len(rows) * tall + 4, draw())


def _cell_width(room: float, columns: int, *, square: bool) -> float:
    wide = (room - _MARGIN) / max(1, columns)
    return min(wide, 44.0) if square else wide


def _cell(cell: Cell, left: float, top: float, wide: float, tall: float) -> Iterator[Markup]:
    level = "none" if cell.level is None else f"h{round(min(max(cell.level, 0), 1) * (LEVELS - 1))}"
    yield element(
        "rect",
        element("title", cell.words),
        x=left + 0.5, y=top + 0.5, width=max(wide - 1, 1), height=max(tall - 1, 1),
        class_=f"cell {level}",
    )  # fmt: skip
    if cell.value and text_width(cell.value) < wide - 2 and tall >= 14:
        yield text(left + wide / 2, top + tall / 2 + 4, cell.value, "middle", f"in {level}")


def _heading(name: str, x: float, y: float, angle: int, room: float) -> Markup:
    if not angle:
        return text(x, y, name, "middle", "tick")
    right = x + (4 if angle == 90 else 0)  # the baseline of upright text is at its right
    return element(
        "text",
        shortened(name, room),
        x=right, y=y, class_="tick", transform=f"rotate(-{angle} {right:.1f} {y:.1f})",
    )  # fmt: skip
