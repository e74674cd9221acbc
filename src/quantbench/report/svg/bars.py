"""Bars that are divided into parts, one below the other, each with its name above or beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import drawing, element, line, shortened, text, text_width
from quantbench.report.svg.frame import NARROW

_BAR, _GAP = 18.0, 9.0


@dataclass(frozen=True)
class Part:
    """A part of a bar: its share from 0 to 1, the class of its colour, what is said of it."""

    share: float
    colour: str
    words: str


@dataclass(frozen=True)
class Bar:
    """A bar of parts; `tail` is written at its end, `tick` is a share that is marked on it."""

    name: str
    parts: tuple[Part, ...]
    tail: str = ""
    tick: float | None = None


def bars(width: float, drawn: Sequence[Bar]) -> Markup:
    """Divided bars of equal length, one for each name."""
    stacked = width < NARROW
    longest = max((text_width(bar.name) for bar in drawn), default=0.0)
    left = 0.0 if stacked else min(0.32 * width, longest + 12)
    tails = max((text_width(bar.tail) for bar in drawn), default=0.0)
    right = 0.0 if stacked else tails + 10
    step = _BAR + _GAP + (16.0 if stacked else 0.0)
    length = width - left - right

    def draw() -> Iterator[Markup]:
        for row, bar in enumerate(drawn):
            top = row * step + (18.0 if stacked else 2.0)
            if stacked:
                yield text(0, top - 5, shortened(bar.name, width - tails - 10), "start", "label")
                yield text(width, top - 5, bar.tail, "end", "tick")
            else:
                yield text(left - 8, top + 13, shortened(bar.name, left - 8), "end", "label")
                yield text(left + length + 8, top + 13, bar.tail, "start", "tick")
            yield from _bar(bar, left, top, length)

    return drawing(width, len(drawn) * step + 6, draw())


def _bar(bar: Bar, left: float, top: float, length: float) -> Iterator[Markup]:
    x = left
    for part in bar.parts:
        wide = length * part.share
        if wide <= 0:
            continue
        yield element(
            "rect",
            element("title", part.words),
            x=x, y=top, width=wide, height=_BAR, class_=f"part {part.colour}",
        )  # fmt: skip
        x += wide
    if bar.tick is not None:
        place = left + length * min(max(bar.tick, 0.0), 1.0)
        yield line(place, top - 3, place, top + _BAR + 3, "limit")
