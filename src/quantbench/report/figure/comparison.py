"""Accuracy, file size and both latencies side by side, a line for each row."""

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
    accuracy_floor,
    caption,
    plain,
    png,
    under,
)
from quantbench.report.order import Order, ordered
from quantbench.report.words import (
    NONE,
    joined,
    middle_half,
    significant,
)
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, largest_batch


def comparison_figure(results: Results) -> bytes:
    """Draw four panels, PNG: accuracy, file size, and the latency of one image and of a batch."""
    rows = ordered(results.rows, Order.LATENCY)
    height = 1.5 + 0.46 * len(rows)
    figure = Figure(figsize=(10, height), dpi=DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(1, 4, sharey=True, width_ratios=(1.25, 1, 1, 1))
    _accuracy(panels[0], rows)
    _bars(panels[1], rows, "file size, kB", lambda row: row.bytes / 1000)
    _bars(panels[2], rows, "1 image, µs", lambda row: _median(batch1(row)), batch1)
    batch = max((x.batch for row in rows for x in row.latency), default=1000)
    _bars(
        panels[3],
        rows,
        f"{batch:,} images, µs each",
        lambda row: _median(largest_batch(row, "model")),
        lambda row: largest_batch(row, "model"),
    )
    panels[0].set_yticks(range(len(rows)), [f"{row.method}\n{row.runtime}" for row in rows])
    for label in panels[0].get_yticklabels():
        label.set(fontsize=SMALL, color=INK, parse_math=False, linespacing=1.1)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    images = joined(f"{n:,}" for n in sorted({row.images for row in rows}))
    words = (
        f"{images} test images, 95% Wilson intervals. Grey: float; blue: quantized. "
        "Times: model only, median of the rounds;\nthe dark line spans their middle half. "
        "Sorted by the time of 1 image."
    )
    under(figure, caption(results, words))
    return png(figure)


def _accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    """Draw accuracies with their intervals; a row far below is an arrow at the edge."""
    plain(axes, "accuracy, %")
    floor = accuracy_floor(rows)
    inside = [row.accuracy for row in rows if row.accuracy.value >= floor]
    low = 100 * min((accuracy.low for accuracy in inside), default=0)
    high = 100 * max((accuracy.high for accuracy in inside), default=1)
    margin = 0.12 * (high - low) or 0.1
    axes.set_xlim(low - margin, high + margin)
    for place, row in enumerate(rows):
        shown = row.accuracy
        off = shown.value < floor
        x = low if off else 100 * shown.value
        if not off:
            axes.plot([100 * shown.low, 100 * shown.high], [place, place], color=INK, linewidth=1.2)
        axes.plot(x, place, "<" if off else "o", color=_colour(row), markersize=6)
        axes.annotate(
            f"{100 * shown.value:.2f}",
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
    """Draw bars from zero with their numbers, and a line over the middle half of the rounds."""
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
