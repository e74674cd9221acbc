"""Score, file size and both latencies side by side, a line for each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from quantbench.harness.records import Latency
from quantbench.report.figure.drawing import (
    BEHIND,
    BLUE,
    DPI,
    FAINT,
    GREY,
    INK,
    SMALL,
    caption,
    plain,
    png,
    under,
)
from quantbench.report.order import Order, ordered
from quantbench.report.score_axis import bounds, score_axis
from quantbench.report.scores import made, score_heading, score_text
from quantbench.report.words import (
    NONE,
    joined,
    middle_half,
    significant,
)
from quantbench.results.records import MetricInfo, Results, Row
from quantbench.results.select import batch1, largest_batch


def comparison_figure(results: Results) -> bytes:
    """Draw four panels, PNG: score, file size, and the latency of one sample and of a batch."""
    rows = ordered(results, Order.LATENCY)
    height = 1.5 + 0.46 * len(rows)
    figure = Figure(figsize=(10, height), dpi=DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(1, 4, sharey=True, width_ratios=(1.25, 1, 1, 1))
    _scores(panels[0], rows, results.metric)
    _bars(panels[1], rows, "file size, kB", lambda row: row.bytes / 1000)
    _bars(panels[2], rows, f"1 {results.sample}, µs", lambda row: _median(batch1(row)), batch1)
    batch = max((x.batch for row in rows for x in row.latency), default=1000)
    _bars(
        panels[3],
        rows,
        f"{batch:,} {results.sample}s, µs each",
        lambda row: _median(largest_batch(row, "model")),
        lambda row: largest_batch(row, "model"),
    )
    panels[0].set_yticks(range(len(rows)), [f"{row.method}\n{row.runtime}" for row in rows])
    for label in panels[0].get_yticklabels():
        label.set(fontsize=SMALL, color=INK, parse_math=False, linespacing=1.1)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    count = joined(f"{n:,}" for n in sorted({row.samples for row in rows}))
    words = (
        f"{count} test {results.sample}s, 95% {made(rows)} intervals. "
        "Grey: float; blue: quantized. Times: model only, median of the blocks;\n"
        "the dark line spans their middle half. "
        f"Sorted by the time of 1 {results.sample}."
    )
    under(figure, caption(results, words))
    return png(figure)


def _scores(axes: Axes, rows: Sequence[Row], metric: MetricInfo) -> None:
    """Draw scores with their intervals; a row that is far worse is an arrow at the edge."""
    plain(axes, score_heading(metric).replace(" %", ", %"))
    axis = score_axis(rows, metric)
    low, high = axis.span(rows)
    margin = 0.12 * (high - low) or 0.1
    axes.set_xlim(low - margin, high + margin)
    for place, row in enumerate(rows):
        if row.score is None:
            continue
        edge, arrow = (low, "<") if metric.higher_is_better else (high, ">")
        off = axis.far(row)
        x = edge if off else axis.shown(row.score.value)
        if not off:
            ends = [axis.shown(end) for end in bounds(row.score)]
            axes.plot(ends, [place, place], color=INK, linewidth=1.2)
        axes.plot(x, place, arrow if off else "o", color=_colour(row), markersize=6)
        axes.annotate(
            score_text(metric, row.score),
            (x, place),
            (0, 6),
            textcoords="offset points",
            ha="center",
            bbox=BEHIND,
            fontsize=SMALL,
            color=INK,
        )
    axes.grid(axis="x", color=FAINT, linewidth=0.5)


def _bars(
    axes: Axes,
    rows: Sequence[Row],
    title: str,
    value: Callable[[Row], float | None],
    latency: Callable[[Row], Latency | None] = lambda row: None,  # noqa: ARG005
) -> None:
    """Draw bars from zero with their numbers, and a line over the middle half of the blocks."""
    plain(axes, title)
    longest = 0.0
    for place, row in enumerate(rows):
        number = value(row)
        end = number or 0.0
        axes.barh(place, end, height=0.55, color=_colour(row))
        if (timed := latency(row)) is not None:
            low, high = middle_half(timed)
            axes.plot([low, high], [place, place], color=INK, linewidth=1.4)
            end = max(end, high)
        axes.annotate(
            NONE if number is None else significant(number),
            (end, place),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=INK,
        )
        longest = max(longest, end)
    axes.set_xlim(0, longest * 1.32 or 1)
    axes.set_xticks([0])
    axes.spines["left"].set_visible(True)


def _colour(row: Row) -> str:
    return GREY if row.kind == "float" else BLUE


def _median(latency: Latency | None) -> float | None:
    return None if latency is None else latency.median
