"""Score against latency, with the size as area: it shows the rows that are worth a look."""

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
    caption,
    method_markers,
    plain,
    png,
    runtime_colours,
    under,
)
from quantbench.report.figure.labels import label_points
from quantbench.report.score_axis import ScoreAxis, bounds, frontier, score_axis
from quantbench.report.scores import made, score_heading, score_text
from quantbench.report.words import significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1

LARGEST = 260.0
"""Area, in square points, of the row with the most bytes."""
_Point = tuple[Row, float, float]


def tradeoff_figure(results: Results) -> bytes:
    """Draw the score against the latency of one sample (logarithmic), as PNG."""
    metric = results.metric
    figure = Figure(figsize=(10, 6.2), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    plain(axes, f"{score_heading(metric).replace(' %', ' in %')} against µs for 1 {results.sample}")
    axes.set_xscale("log")
    colours, markers = runtime_colours(results.rows), method_markers(results.rows)
    axis = score_axis(results.rows, metric)
    edge = _scales(axes, results.rows, axis)
    points = [
        (row, latency.median, edge if axis.far(row) else axis.shown(row.score.value))
        for row in results.rows
        if (latency := batch1(row)) is not None and row.score is not None
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
    _intervals(axes, points, axis)
    steps = frontier([(x, y) for _, x, y in points], higher_is_better=metric.higher_is_better)
    if steps:
        along = [*steps, (axes.get_xlim()[1], steps[-1][1])]
        axes.step(*zip(*along, strict=True), where="post", color=GREY, linewidth=1, zorder=2)
    if results.rows:
        _legend(figure, results.rows, colours, markers)
    worse_side = "below" if metric.higher_is_better else "above"
    words = (
        f"Area: bytes. Faint: 95% {made(results.rows)} intervals. Dark rim: Pareto rows, which no "
        f"other beats in {metric.title}, time and bytes at once.\nStepped line: the best "
        f"{metric.title} within a time. An arrow: far {worse_side} the axis."
    )
    under(figure, caption(results, words))
    _label(figure, axes, points, axis)
    return png(figure)


def _intervals(axes: Axes, points: Sequence[_Point], axis: ScoreAxis) -> None:
    for row, x, _ in points:
        if row.score is not None and not axis.far(row):
            ends = [axis.shown(end) for end in bounds(row.score)]
            axes.plot([x, x], ends, color=FAINT, linewidth=0.8, zorder=1)


def _scales(axes: Axes, rows: Sequence[Row], axis: ScoreAxis) -> float:
    """Set both scales and return the height at which rows that are far worse are drawn."""
    low, high = axis.span(rows)
    height = high - low or 0.1
    narrow, wide = 0.06 * height, 0.2 * height
    beyond = any(axis.far(row) for row in rows)
    if axis.metric.higher_is_better:
        edge = low - 0.1 * height
        axes.set_ylim(low - (wide if beyond else narrow), high + narrow)
    else:
        edge = high + 0.1 * height
        axes.set_ylim(low - narrow, high + (wide if beyond else narrow))
    times = [latency.median for row in rows if (latency := batch1(row)) is not None]
    if times:
        axes.set_xlim(min(times) / 1.4, max(times) * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value, 1)))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    return edge


def _label(figure: Figure, axes: Axes, points: Sequence[_Point], axis: ScoreAxis) -> None:
    """Name Pareto rows, the fastest float32, and rows that are far worse, with their scores."""
    fastest = min(
        (point for point in points if point[0].kind == "float"),
        key=lambda point: point[1],
        default=None,
    )
    arrow = "↓" if axis.metric.higher_is_better else "↑"
    named = []
    for point in points:
        row, x, y = point
        if axis.far(row):
            named.append((x, y, f"{arrow} {row.name}: {score_text(axis.metric, row.score)}"))
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
