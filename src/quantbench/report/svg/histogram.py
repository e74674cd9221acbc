"""A histogram with the range that was chosen for its values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup

from quantbench.report.svg.element import element, line
from quantbench.report.svg.frame import Axis, Frame, framed


def histogram(
    width: float, edges: Sequence[float], counts: Sequence[int], low: float, high: float
) -> Markup:
    """Bars of counts on a logarithmic axis; lines at `low` and `high`, what they hold shaded."""
    seen = [count for count in counts if count > 0] or [1]
    y = Axis("count", (0.5, float(max(seen))), log=True, margin=0.04)
    x = Axis("value", (*map(float, edges), low, high), margin=0.02)

    def draw(frame: Frame) -> Iterator[Markup]:
        area = frame.area
        left, right = frame.x.at(low), frame.x.at(high)
        yield element(
            "rect", x=left, y=area.top, width=max(right - left, 0.5),
            height=area.bottom - area.top, class_="range",
        )  # fmt: skip
        bins = zip(edges, edges[1:], counts, strict=False)
        yield element("path", d="".join(_bars(frame, bins)), class_="bins")
        for place in (left, right):
            yield line(place, area.top, place, area.bottom, "limit")

    return framed(width, 170, x, y, draw)


def _bars(frame: Frame, bins: Iterable[tuple[float, float, int]]) -> Iterator[str]:
    """One path for all bars: of the dozens on a page, an element a bar would take half a MB."""
    for begin, end, count in bins:
        if count:
            top, x0 = frame.y.at(float(count)), frame.x.at(begin)
            width = max(frame.x.at(end) - x0 - 0.3, 0.4)
            height = max(frame.area.bottom - top, 0.0)
            yield f"M{x0:.1f} {top:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"
