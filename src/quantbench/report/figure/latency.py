"""Latency against batch size, a line for each row: it shows the costs of a call and of a sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from quantbench.harness.records import Latency
from quantbench.report.figure.drawing import (
    BEHIND,
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
from quantbench.report.spread import spread_out
from quantbench.report.words import an, significant
from quantbench.results.records import Results, Row

NAMED = 3
"""Number of the fastest rows that are named at each end, besides the fastest float32."""
APART = 0.03
"""Distance between two names, as a share of the height of the axes."""
ROOM = (0.7, 0.55)
"""Room for the names left and right of the batches, as shares of the width between these."""
_Timed = tuple[Row, tuple[Latency, ...]]


def latency_figure(results: Results) -> bytes:
    """Draw model-only latency against batch size, both logarithmic, as PNG."""
    timed = [(row, line) for row in results.rows if (line := by_batch(row))]
    figure = Figure(figsize=(10, 6.2), dpi=DPI, facecolor="white", layout="constrained")
    axes = figure.subplots()
    plain(axes, f"µs {an(results.sample)}, model only, by batch size")
    axes.set_xscale("log")
    axes.set_yscale("log")
    batches = sorted({x.batch for _, line in timed for x in line}) or [1]
    named = named_rows(timed)
    colours, markers = runtime_colours(results.rows), method_markers(results.rows)
    for row, line in timed:
        important = row.name in {name for names in named for name in names}
        axes.plot(
            [x.batch for x in line],
            [x.median for x in line],
            color=colours[row.runtime],
            marker=markers[row.method],
            linestyle="--" if row.kind == "float" else "-",
            markersize=6 if important else 4,
            linewidth=2 if important else 0.9,
            alpha=1 if important else 0.55,
            zorder=3 if important else 2,
        )
    span = batches[-1] / batches[0] if len(batches) > 1 else 10
    axes.set_xlim(batches[0] / span ** ROOM[0], batches[-1] * span ** ROOM[1])
    _scales(axes, batches, [x.median for _, line in timed for x in line])
    for right, names in enumerate(named):
        ends = [(row, line[-1 if right else 0]) for row, line in timed if row.name in names]
        _names(axes, ends, colours, bool(right))
    _legend(figure, timed, colours, markers)
    words = "Lines join medians of the blocks. Thick: the rows named beside their ends."
    under(figure, caption(results, words))
    return png(figure)


def by_batch(row: Row) -> tuple[Latency, ...]:
    """The model-only latencies of a row by batch, each on the fewest threads."""
    latencies: dict[int, Latency] = {}
    for x in sorted(row.latency, key=lambda x: (x.batch, -x.threads)):
        if x.kind == "model":
            latencies[x.batch] = x
    return tuple(latencies.values())


def named_rows(timed: Sequence[_Timed]) -> tuple[frozenset[str], frozenset[str]]:
    """The names to write at the left and at the right end: the fastest rows there.

    With a single batch the left end has none.
    """
    if all(len(line) == 1 for _, line in timed):
        return frozenset(), _fastest(timed, -1)
    return _fastest(timed, 0), _fastest(timed, -1)


def _fastest(timed: Sequence[_Timed], end: int) -> frozenset[str]:
    ranked = [row for row, line in sorted(timed, key=lambda pair: pair[1][end].median)]
    floats = [row for row in ranked if row.kind == "float"]
    return frozenset(row.name for row in (*ranked[:NAMED], *floats[:1]))


def _scales(axes: Axes, batches: Sequence[int], values: Sequence[float]) -> None:
    axes.set_xticks(batches, [f"{batch:,}" for batch in batches])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: significant(value, 1)))
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    if values:
        axes.set_ylim(min(values) / 1.25, max(values) * 1.25)


def _names(
    axes: Axes, ends: Sequence[tuple[Row, Latency]], colours: dict[str, str], right: bool
) -> None:
    """Write names beside the ends of lines, spread out, each joined to its point."""
    low, high = (math.log(limit) for limit in axes.get_ylim())
    places = spread_out([math.log(x.median) for _, x in ends], APART * (high - low))
    for (row, x), place in zip(ends, places, strict=True):
        axes.annotate(
            f"{row.name} {significant(x.median)}",
            (x.batch, x.median),
            (x.batch * 1.35 if right else x.batch / 1.35, math.exp(place)),
            textcoords="data",
            ha="left" if right else "right",
            va="center",
            fontsize=SMALL,
            color=INK,
            bbox=BEHIND,
            arrowprops={"arrowstyle": "-", "color": colours[row.runtime], "linewidth": 0.7},
            parse_math=False,
        )


def _legend(
    figure: Figure, timed: Sequence[_Timed], colours: dict[str, str], markers: dict[str, str]
) -> None:
    runtimes = [Line2D([], [], color=colour, linewidth=3, label=n) for n, colour in colours.items()]
    styles = [
        Line2D([], [], color=GREY, linestyle="--", label="float"),
        Line2D([], [], color=GREY, linestyle="-", label="quantized"),
    ]
    methods = [
        Line2D([], [], color=GREY, marker=marker, linestyle="", label=name)
        for name, marker in markers.items()
    ]
    if timed:
        figure.legend(
            handles=[*runtimes, *styles, *methods],
            loc="outside right upper",
            frameon=False,
            fontsize=SMALL,
            labelcolor=INK,
        )
