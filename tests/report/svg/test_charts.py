"""Each chart: well-formed, within its size, every mark with its words, nothing overlapping."""

from __future__ import annotations

import math
import re
from functools import partial
from xml.etree import ElementTree

import pytest

from quantbench.report.svg.bars import Bar, Part, bars
from quantbench.report.svg.element import element, shortened, text_width
from quantbench.report.svg.forest import Estimate, forest
from quantbench.report.svg.frame import Axis
from quantbench.report.svg.heat import LEVELS, Cell, heat
from quantbench.report.svg.histogram import histogram
from quantbench.report.svg.lines import Line, lines
from quantbench.report.svg.marks import SHAPES, Series, mark, nth_series
from quantbench.report.svg.scatter import Dot, scatter

ODD = '<b>&"x'
DOTS = tuple(
    Dot(10.0 * (n + 1), 99 - 0.01 * n, (n + 1) / 8, nth_series(n), f"{ODD} {n}", 98.8, 99.1,
        name=f"row {n}", hollow=n % 2 == 0, rim=n == 3, beyond=n == 7)
    for n in range(8)
)  # fmt: skip
DRAWN = tuple(
    Line(((1.0, 5.0 + n), (10.0, 4.0 + n), (1000.0, 3.0 + n)), nth_series(n), f"{ODD} {n}",
         dashed=n == 1, band=((4, 6), (3, 5), (2, 4)) if n == 0 else ())
    for n in range(9)
)  # fmt: skip
PARTS = Part(0.6, "c0", ODD), Part(0.4, "c1", "b"), Part(0, "c2", "none")
CHARTS = {
    "scatter": partial(
        scatter, x=Axis("µs", tuple(dot.x for dot in DOTS), log=True), y=Axis("score", (98, 99.2)),
        dots=DOTS, front=[(10, 98.5), (40, 99)],
    ),
    "lines": partial(
        lines, x=Axis("batch", (1.0, 1000.0), log=True, ticks=(1.0, 1000.0)),
        y=Axis("µs", (2.0, 14.0), log=True), drawn=DRAWN,
    ),
    "bars": partial(
        bars,
        drawn=[Bar(f"{ODD} {n}", PARTS, "12 µs", 0.2) for n in range(5)],
    ),
    "heat": partial(
        heat, rows=["first", "second", ODD], columns=["a long name", "another long name"] * 4,
        cells=[[Cell(n / 8, f"{n}", ODD) for n in range(7)] + [Cell(None, "", "-")]] * 3,
    ),
    "forest": partial(
        forest, title="points", names=["a", ODD],
        estimates=[[Estimate(-0.2, -0.3, -0.1, nth_series(0), ODD)],
                   [Estimate(0.1, None, None, nth_series(1), "x")]],
    ),
    "histogram": partial(
        histogram, edges=[-2.0, -1.0, 0.0, 1.0, 2.0], counts=[1, 50, 700, 0], low=-1.0, high=1.5
    ),
}  # fmt: skip


@pytest.mark.parametrize("width", [352.0, 900.0])
@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_well_formed_and_within_its_size(name, width):
    drawn = CHARTS[name](width)
    svg = ElementTree.fromstring(drawn)  # noqa: S314 - our own text
    wide, tall = float(svg.attrib["width"]), float(svg.attrib["height"])
    assert wide <= width
    assert svg.attrib["viewBox"] == f"0 0 {svg.attrib['width']} {svg.attrib['height']}"
    assert svg.attrib["aria-hidden"] == "true"
    assert not re.search(r"nan|inf(?!o)|style=", drawn)
    for each in svg.iter():
        for x, y in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
            if x in each.attrib:
                assert -1 <= float(each.attrib[x]) <= wide + 1
                assert -1 <= float(each.attrib[y]) <= tall + 1
        if each.tag == "text" and "transform" not in each.attrib:
            left, right = span(each)
            assert left >= -1, each.text
            assert right <= wide + 1, each.text


def span(text):
    """The pixels that a text covers at most along x."""
    x, size = float(text.attrib["x"]), text_width(text.text or "")
    anchor = text.attrib.get("text-anchor", "start")
    left = x - {"start": 0, "middle": size / 2, "end": size}[anchor]
    return left, left + size


@pytest.mark.parametrize("width", [352.0, 900.0])
@pytest.mark.parametrize("name", ["scatter", "lines", "forest", "histogram"])
def test_texts_of_a_line_do_not_overlap(name, width):
    svg = ElementTree.fromstring(CHARTS[name](width))  # noqa: S314
    texts = sorted((float(t.attrib["y"]), *span(t), t.text) for t in svg.iter("text"))
    for a in texts:
        for b in texts:
            if a < b and abs(a[0] - b[0]) < 10:
                assert a[2] <= b[1] + 1 or b[2] <= a[1] + 1, (a, b)


def test_every_mark_says_what_it_is():
    svg = ElementTree.fromstring(CHARTS["scatter"](900.0))  # noqa: S314
    assert [t.text for t in svg.iter("title")] == [f"{ODD} {n}" for n in (7, 6, 5, 4, 2, 1, 0, 3)]
    svg = ElementTree.fromstring(CHARTS["bars"](900.0))  # noqa: S314
    assert [t.text for t in svg.iter("title")] == [ODD, "b"] * 5


@pytest.mark.parametrize("shape", SHAPES)
def test_marks_have_the_area_that_is_asked_for(shape):
    drawn = ElementTree.fromstring(mark(50, 50, 300, Series("c0", shape)))  # noqa: S314
    if shape == "circle":
        assert math.pi * float(drawn.attrib["r"]) ** 2 == pytest.approx(300, rel=0.01)
        return
    corners = [tuple(map(float, pair.split(","))) for pair in drawn.attrib["points"].split()]
    pairs = zip(corners, (*corners[1:], corners[0]), strict=True)
    area = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2  # the shoelace formula
    assert area == pytest.approx(300, rel=0.01)


def test_many_series_can_be_told_apart():
    assert len({nth_series(place) for place in range(56)}) == 56


def test_divided_bars_fill_their_length_and_heat_has_its_levels():
    svg = ElementTree.fromstring(CHARTS["bars"](900.0))  # noqa: S314
    parts = [each for each in svg.iter("rect") if each.attrib["y"] == "2"]
    first, second = (float(part.attrib["width"]) for part in parts)
    assert first / second == pytest.approx(1.5, rel=1e-3)
    svg = ElementTree.fromstring(CHARTS["heat"](900.0))  # noqa: S314
    levels = {each.attrib["class"].split()[1] for each in svg.iter("rect")}
    assert levels == {f"h{round(n / 8 * (LEVELS - 1))}" for n in range(7)} | {"none"}


def test_text_is_escaped_and_shortened():
    assert element("t", "<b>", title='"&') == '<t title="&#34;&amp;">&lt;b&gt;</t>'
    assert shortened("a name", 500) == "a name"
    short = shortened("a very long name indeed", 60)
    assert short.endswith("…")
    assert text_width(short) <= 60
