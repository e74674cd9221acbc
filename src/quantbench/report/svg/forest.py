"""Estimates with intervals, one below the other, along a common axis that shows zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from quantbench.report.svg.element import drawing, line, shortened, text, text_width
from quantbench.report.svg.frame import NARROW
from quantbench.report.svg.marks import Series, mark
from quantbench.report.svg.scale import covering

_STEP, _FOOT, _DOT = 24.0, 40.0, 46.0


@dataclass(frozen=True)
class Estimate:
    """A value with its bounds, where it has them."""

    value: float
    low: float | None
    high: float | None
    series: Series
    words: str


def forest(
    width: float, title: str, names: Sequence[str], estimates: Sequence[Sequence[Estimate]]
) -> Markup:
    """Draw the estimates of each name, one below the other, over one axis that holds zero."""
    longest = max((text_width(name) for name in names), default=0.0)
    left = min((0.4 if width < NARROW else 0.3) * width, longest + 12)
    ends = [
        end
        for row in estimates
        for each in row
        for end in (each.value, each.low, each.high)
        if end is not None
    ]
    scale = covering((0.0, *ends), left, width - 14)
    bottom = len(names) * _STEP + 6

    def draw() -> Iterator[Markup]:
        for value, words in scale.labelled(max(3, int((width - left) // 80))):
            yield line(scale.at(value), 0, scale.at(value), bottom, "grid")
            yield text(scale.at(value), bottom + 15, words, "middle", "tick")
        yield line(scale.at(0), 0, scale.at(0), bottom, "axis")
        yield text((left + width) / 2, bottom + _FOOT - 8, title, "middle", "name")
        for row, (name, several) in enumerate(zip(names, estimates, strict=True)):
            middle = 4 + (row + 0.5) * _STEP
            yield text(
                left - 8, middle + 4, shortened(name, left - 10, middle=True), "end", "label"
            )
            for place, each in enumerate(several):
                y = middle + (place - (len(several) - 1) / 2) * 9
                if each.low is not None and each.high is not None:
                    kind = f"span {each.series.colour}"
                    yield line(scale.at(each.low), y, scale.at(each.high), y, kind)
                yield mark(scale.at(each.value), y, _DOT, each.series, each.words)

    return drawing(width, bottom + _FOOT, draw())
