"""The frame of a chart: an area with a scale on each side, grid lines and titles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import drawing, line, text, text_width
from quantbench.report.svg.labels import Box
from quantbench.report.svg.scale import Scale, covering

NARROW = 480
"""A chart below this width is for a phone."""
_TOP, _BOTTOM, _RIGHT = 22.0, 40.0, 14.0


@dataclass(frozen=True)
class Axis:
    """The title of an axis, the values that it has to hold, and its kind."""

    title: str
    values: tuple[float, ...]
    log: bool = False
    margin: float = 0.05
    ticks: tuple[float, ...] = ()
    """The values to mark in place of round ones."""


@dataclass(frozen=True)
class Frame:
    """An area in pixels with its scales."""

    width: float
    height: float
    area: Box
    x: Scale
    y: Scale


def framed(
    width: float,
    height: float,
    x: Axis,
    y: Axis,
    draw: Callable[[Frame], Iterable[str]],
    right: float = _RIGHT,
) -> Markup:
    """A chart with both axes; `draw` gives what lies within, `right` is the room beside it."""
    upright = covering(y.values, height - _BOTTOM, _TOP, log=y.log, margin=y.margin)
    marks = _marks(y, upright, max(3, int((height - _TOP - _BOTTOM) // 42)))
    left = 10 + max((text_width(words) for _, words in marks), default=0)
    area = Box(left, _TOP, width - right, height - _BOTTOM)
    along = covering(x.values, area.left, area.right, log=x.log, margin=x.margin)
    frame = Frame(width, height, area, along, upright)
    return drawing(width, height, (*_axes(frame, x, y, marks), *draw(frame)))


def _axes(frame: Frame, x: Axis, y: Axis, marks: tuple[tuple[float, str], ...]) -> Iterator[Markup]:
    area = frame.area
    for value, words in marks:
        place = frame.y.at(value)
        yield line(area.left, place, area.right, place, "grid")
        yield text(area.left - 6, place + 4, words, "end", "tick")
    for value, words in _apart(
        frame.x, _marks(x, frame.x, max(3, int((area.right - area.left) // 70)))
    ):
        place = frame.x.at(value)
        yield line(place, area.bottom, place, area.bottom + 4, "axis")
        yield text(place, area.bottom + 17, words, "middle", "tick")
    yield line(area.left, area.bottom, area.right, area.bottom, "axis")
    yield text((area.left + area.right) / 2, frame.height - 6, x.title, "middle", "name")
    yield text(0, 12, y.title, "start", "name")


def _marks(axis: Axis, scale: Scale, most: int) -> tuple[tuple[float, str], ...]:
    if axis.ticks:
        return tuple((tick, f"{tick:,g}") for tick in axis.ticks)
    return scale.labelled(most)


def _apart(scale: Scale, marks: tuple[tuple[float, str], ...]) -> Iterator[tuple[float, str]]:
    """The ticks along the bottom whose texts don't touch the one before."""
    end = float("-inf")
    for value, words in marks:
        half = text_width(words) / 2
        if scale.at(value) - half > end + 4:
            yield value, words
            end = scale.at(value) + half
