"""Accuracy against latency, with the size as area: it shows the rows that are worth a look."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from quantbench.report.figure.drawing import (
    DPI,
    FAINT,
    GREY,
    INK,
    SMALL,
    accuracy_floor,
    caption,
    method_markers,
    plain,
    png,
    runtime_colours,
    under,
)
from quantbench.report.figure.labels import label_points
from quantbench.report.words import significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1

LARGEST = 260.0
"""Area, in square points, of the row with the most bytes."""
_Point = tuple[Row, float, float]


def tradeoff_figure(results: Results) -> bytes:
    """Draw accuracy against the latency of one image (logarithmic), as PNG."""
    figure = Figure(figsize=(10, 6.2), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    plain(axes, "accuracy in % against µs for 1 image")
    axes.set_xscale("log")
    colours, markers = runtime_colours(results.rows), method_markers(results.rows)
    floor = accuracy_floor(results.rows)
    edge = _scales(axes, results.rows, floor)
    points = [
        (row, latency.median, 100 * row.accuracy.value if row.accuracy.value >= floor else edge)
        for row in results.rows
        if (latency := batch1(row)) is not None
    ]
    largest = max((row.bytes for row in results.rows), default=1)
    for row, x, y in sorted(points, key=lambda point: -point[0].bytes):
        axes.scatter(
            x,
            y,
            s=LARGEST * row.bytes / largest,
            color=colours[row.runtime],
            marker=markers[row.method],
            alpha=0.85,
            edgecolor=INK if row.pareto else "white",
            linewidth=1.4 if row.pareto else 0.5,
            zorder=3,
        )
    _intervals(axes, points, floor)
    steps = frontier([(x, y) for _, x, y in points])
    if steps:
        along = [*steps, (axes.get_xlim()[1], steps[-1][1])]
        axes.step(*zip(*along, strict=True), where="post", color=GREY, linewidth=1, zorder=2)
    if results.rows:
        _legend(figure, results.rows, colours, markers)
    words = (
        "Area: bytes. Faint: 95% Wilson intervals. Dark rim: Pareto rows, which no other beats in "
        "accuracy, time and bytes at once.\nStepped line: the best accuracy within a time. "
        "An arrow: far below the axis."
    )
    under(figure, caption(results, words))
    _label(figure, axes, points, floor)
    return png(figure)


def frontier(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (time, accuracy) points more accurate than all faster points, from fast to slow."""
    steps: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not steps or y > steps[-1][1]:
            steps.append((x, y))
    return steps


def _intervals(axes: Axes, points: Sequence[_Point], floor: float) -> None:
    for row, x, _ in points:
        if row.accuracy.value >= floor:
            ends = [100 * row.accuracy.low, 100 * row.accuracy.high]
            axes.plot([x, x], ends, color=FAINT, linewidth=0.8, zorder=1)


def _scales(axes: Axes, rows: Sequence[Row], floor: float) -> float:
    """Set both scales and return the height at which rows far below are drawn."""
    inside = [row.accuracy for row in rows if row.accuracy.value >= floor]
    low = 100 * min((accuracy.low for accuracy in inside), default=0.0)
    high = 100 * max((accuracy.high for accuracy in inside), default=1.0)
    height = high - low
    edge = low - 0.1 * height
    below = len(inside) < len(rows)
    axes.set_ylim(low - (0.2 if below else 0.06) * height, high + 0.06 * height)
    times = [latency.median for row in rows if (latency := batch1(row)) is not None]
    if times:
        axes.set_xlim(min(times) / 1.4, max(times) * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value, 1)))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    return edge


def _label(figure: Figure, axes: Axes, points: Sequence[_Point], floor: float) -> None:
    """Name Pareto rows, the fastest float32, and rows far below, these with their accuracy."""
    fastest = min(
        (point for point in points if point[0].kind == "float"),
        key=lambda point: point[1],
        default=None,
    )
    named = []
    for point in points:
        row, x, y = point
        if row.accuracy.value < floor:
            named.append((x, y, f"↓ {row.name}: {100 * row.accuracy.value:.2f}"))
        elif row.pareto or point is fastest:
            named.append((x, y, row.name))
    label_points(figure, axes, named, [(x, y) for _, x, y in points])


def _legend(
    figure: Figure, rows: Sequence[Row], colours: dict[str, str], markers: dict[str, str]
) -> None:
    runtimes = [
        Line2D([], [], color=colour, marker="o", linestyle="", markersize=8, label=name)
        for name, colour in colours.items()
    ]
    methods = [
        Line2D([], [], color=GREY, marker=marker, linestyle="", label=name)
        for name, marker in markers.items()
    ]
    sizes = [
        Line2D(
            [],
            [],
            color=GREY,
            marker="o",
            linestyle="",
            markersize=(LARGEST * size / max(row.bytes for row in rows)) ** 0.5,
            label=f"{size / 1000:,.0f} kB",
        )
        for size in sorted({choose(row.bytes for row in rows) for choose in (min, max)})
    ]
    figure.legend(
        handles=[*runtimes, *methods, *sizes],
        loc="outside right upper",
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        labelspacing=0.9,
    )
