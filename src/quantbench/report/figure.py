"""PNG figures. The same records give the same bytes with the same matplotlib.

Colours are Okabe and Ito's, and none carries anything that a label does not.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from quantbench.cells import large, small
from quantbench.records import Latency, Results, Row, Training
from quantbench.report._words import (
    NONE,
    integer_instructions,
    joined,
    middle_half,
    significant,
)

DPI = 200
INK, GREY, FAINT = "#222222", "#767676", "#D0D0D0"
BLUE, ORANGE = "#0072B2", "#E69F00"
NEIGHBOURS = 15
MOST_LABELS = 10
_SMALL = 8.5


def comparison_figure(results: Results) -> bytes:
    """Accuracy, file size and both latencies, a line for each row."""
    rows = results.rows
    height = 1.5 + 0.46 * len(rows)
    figure = Figure(figsize=(10, height), dpi=DPI, facecolor="white", layout="constrained")
    panels = figure.subplots(1, 4, sharey=True, width_ratios=(1.25, 1, 1, 1))
    _accuracy(panels[0], rows)
    _bars(panels[1], rows, "file size, kB", lambda row: row.bytes / 1000)
    _bars(panels[2], rows, "1 image, µs", lambda row: _median(small(row)), small)
    batch = max((x.batch for row in rows for x in row.latency), default=1000)
    _bars(
        panels[3],
        rows,
        f"{batch:,} images, µs each",
        lambda row: _median(large(row, "model")),
        lambda row: large(row, "model"),
    )
    panels[0].set_yticks(range(len(rows)), [f"{row.method}\n{row.runtime}" for row in rows])
    for label in panels[0].get_yticklabels():
        label.set(fontsize=_SMALL, color=INK, parse_math=False, linespacing=1.1)
    panels[0].set_ylim(len(rows) - 0.4, -0.6)
    environment = results.environment
    images = joined(f"{n:,}" for n in sorted({row.images for row in rows}))
    threads = joined(str(n) for n in sorted({row.threads for row in rows}))
    figure.supxlabel(
        f"{results.model} on {results.data}, {images} test images, 95% Wilson intervals. Grey: "
        f"float; blue: quantized. Times: model only, {threads} "
        f"{'thread' if threads == '1' else 'threads'}, median\nof the rounds; the dark line "
        f"spans their middle half.\n{environment.cpu}, {integer_instructions(environment)}.",
        fontsize=_SMALL,
        color=GREY,
        x=0.005,
        ha="left",
        parse_math=False,
    )
    return _png(figure)


def loss_figure(training: Training) -> bytes:
    """Training loss above, test accuracy at the end of each epoch below."""
    figure = Figure(figsize=(8, 4.6), dpi=DPI, facecolor="white", layout="constrained")
    loss, accuracy = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    epochs = len(training.epochs)
    losses = np.asarray(training.losses)
    along = np.arange(len(losses)) * (epochs / max(len(losses), 1))
    _plain(loss, f"training loss, every {training.loss_every}th batch")
    loss.plot(along, losses, color=FAINT, linewidth=0.8)
    loss.plot(along, _smoothed(losses), color=BLUE, linewidth=1.8)
    loss.set_yscale("log")
    loss.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    loss.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5), numticks=20))
    loss.yaxis.set_minor_locator(NullLocator())
    loss.grid(axis="y", color=FAINT, linewidth=0.5, alpha=0.6)
    loss.text(
        0.99,
        0.95,
        f"blue: mean of {NEIGHBOURS} neighbours",
        transform=loss.transAxes,
        ha="right",
        va="top",
        fontsize=_SMALL,
        color=BLUE,
    )
    _plain(accuracy, "test accuracy after each epoch, %")
    at = [epoch.epoch for epoch in training.epochs]
    values = [100 * epoch.test_accuracy for epoch in training.epochs]
    accuracy.plot(at, values, color=ORANGE, linewidth=1.2, marker="o", markersize=5)
    labelled = list(zip(at, values, strict=True))
    for x, value in labelled if len(labelled) <= MOST_LABELS else labelled[-1:]:
        accuracy.annotate(
            f"{value:.2f}",
            (x, value),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=_SMALL,
            color=INK,
        )
    accuracy.margins(y=0.35)
    accuracy.set_xlim(0, epochs * 1.03 or 1)
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    accuracy.set_xlabel(
        f"epochs ({training.model} on {training.data}, recipe {training.recipe}, "
        f"seed {training.seed})",
        fontsize=_SMALL,
        color=GREY,
        parse_math=False,
    )
    return _png(figure)


def _accuracy(axes: Axes, rows: Sequence[Row]) -> None:
    _plain(axes, "accuracy, %")
    for place, row in enumerate(rows):
        shown = row.accuracy
        axes.plot([100 * shown.low, 100 * shown.high], [place, place], color=INK, linewidth=1.2)
        axes.plot(100 * shown.value, place, "o", color=_colour(row), markersize=6)
        axes.annotate(
            f"{100 * shown.value:.2f}",
            (100 * shown.value, place),
            (0, 6),
            textcoords="offset points",
            ha="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            fontsize=_SMALL,
            color=INK,
        )
    axes.margins(x=0.12)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)


def _bars(
    axes: Axes,
    rows: Sequence[Row],
    title: str,
    value: Callable[[Row], float | None],
    latency: Callable[[Row], Latency | None] = lambda row: None,  # noqa: ARG005
) -> None:
    """From zero, with its number beside; where there are rounds, a line over their middle half."""
    _plain(axes, title)
    most = 0.0
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
            fontsize=_SMALL,
            color=INK,
        )
        most = max(most, end)
    axes.set_xlim(0, most * 1.32 or 1)
    axes.set_xticks([0])
    axes.spines["left"].set_visible(True)


def _plain(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=9.5, color=INK, loc="left", parse_math=False)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(length=0, labelsize=_SMALL, labelcolor=GREY)
    axes.tick_params(which="minor", length=0)
    axes.set_axisbelow(True)


def _colour(row: Row) -> str:
    return GREY if row.kind == "float" else BLUE


def _median(latency: Latency | None) -> float | None:
    return None if latency is None else latency.median


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Mean over NEIGHBOURS values around each; fewer at the ends."""
    half = NEIGHBOURS // 2
    return np.array([values[max(i - half, 0) : i + half + 1].mean() for i in range(len(values))])


def _png(figure: Figure) -> bytes:
    """Without the metadata that would change with a version or a date."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
