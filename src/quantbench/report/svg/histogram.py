"""A histogram with the range that was chosen for its values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
        for begin, end, count in zip(edges, edges[1:], counts, strict=False):
            if count:
                top, x0 = frame.y.at(float(count)), frame.x.at(begin)
                yield element(
                    "rect", element("title", f"{count:,} from {begin:.4g} to {end:.4g}"),
                    x=x0, y=top, width=max(frame.x.at(end) - x0 - 0.3, 0.4),
                    height=max(area.bottom - top, 0.0), class_="bin",
                )  # fmt: skip
        for place in (left, right):
            yield line(place, area.top, place, area.bottom, "limit")

    return framed(width, 170, x, y, draw)
