"""Lines over a common axis, with bands, and their names at their ends where there is room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.spread import spread_out
from quantbench.report.svg.element import FONT, element, line, path, shortened, text, text_width
from quantbench.report.svg.frame import NARROW, Axis, Frame, framed
from quantbench.report.svg.marks import Series, mark

_DOT = 42.0
_NAMES = 190.0


@dataclass(frozen=True)
class Line:
    """A line through (x, y) in rising x, with what is said of it; `band` is low and high by x."""

    points: tuple[tuple[float, float], ...]
    series: Series
    name: str
    dashed: bool = False
    dots: bool = True
    band: tuple[tuple[float, float], ...] = ()


def lines(
    width: float, x: Axis, y: Axis, drawn: Sequence[Line], *, named: bool = True,
    height: float | None = None,
) -> Markup:  # fmt: skip
    """A line chart; names stand at the lines' ends, `named` or not at all."""
    longest = max((text_width(each.name) for each in drawn), default=0.0)
    room = min(_NAMES, 0.36 * width, longest + 22) if named else 14.0
    tall = len(drawn) * (FONT + 3) + 80 if named else 0.0
    height = height or max(tall, 250.0 if width < NARROW else 320.0)

    def draw(frame: Frame) -> Iterator[Markup]:
        for each in drawn:
            if each.band:
                yield _band(frame, each)
        for each in drawn:
            points = [(frame.x.at(a), frame.y.at(b)) for a, b in each.points]
            dashed = " dashed" if each.dashed else ""
            yield path(points, f"line {each.series.colour}{dashed}")
            if each.dots:
                for place, (a, b) in zip(points, each.points, strict=True):
                    words = f"{each.name}: {b:,.4g} at {a:,g}"
                    yield mark(*place, _DOT, each.series, words, hollow=each.dashed)
        if named:
            yield from _names(frame, drawn, room)

    return framed(width, height, x, y, draw, right=room)


def _band(frame: Frame, each: Line) -> Markup:
    xs = [frame.x.at(a) for a, _ in each.points]
    upper = [(x, frame.y.at(high)) for x, (_, high) in zip(xs, each.band, strict=True)]
    lower = [(x, frame.y.at(low)) for x, (low, _) in zip(xs, each.band, strict=True)]
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*upper, *reversed(lower)))
    return element("polygon", points=corners, class_=f"band {each.series.colour}")


def _names(frame: Frame, drawn: Sequence[Line], room: float) -> Iterator[Markup]:
    ends = [each for each in drawn if each.points]
    wanted = [frame.y.at(each.points[-1][1]) for each in ends]
    places = _within(spread_out(wanted, FONT + 2), frame.area.top, frame.area.bottom)
    left = frame.area.right
    for each, place, end in zip(ends, places, wanted, strict=True):
        x = frame.x.at(each.points[-1][0])
        yield line(x + 5, end, left + 6, place, f"stem {each.series.colour}")
        yield text(left + 9, place + 4, shortened(each.name, room - 10), "start", "label")


def _within(places: Sequence[float], low: float, high: float) -> list[float]:
    """Shift all places together so that none lies outside, as far as that is possible."""
    if not places:
        return []
    shift = max(low - min(places), 0.0) - max(max(places) - high, 0.0)
    return [place + shift for place in places]
