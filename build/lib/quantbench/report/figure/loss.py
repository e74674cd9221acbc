"""The training of the float network: its loss, and its accuracy after each epoch."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from quantbench.report.figure.drawing import (
    BLUE,
    DPI,
    FAINT,
    GREY,
    INK,
    ORANGE,
    SMALL,
    plain,
    png,
)
from quantbench.tasks.records import Training

NEIGHBOURS = 15
MAX_LABELS = 10


def loss_figure(training: Training) -> bytes:
    """Draw the training loss above the test accuracy at the end of each epoch, as PNG."""
    figure = Figure(figsize=(8, 4.6), dpi=DPI, facecolor="white", layout="constrained")
    loss, accuracy = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    epochs = len(training.epochs)
    losses = np.asarray(training.losses)
    along = np.arange(len(losses)) * (epochs / max(len(losses), 1))
    plain(loss, f"training loss, every {training.loss_every}th batch")
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
        fontsize=SMALL,
        color=BLUE,
    )
    plain(accuracy, "test accuracy after each epoch, %")
    finished = [epoch.epoch for epoch in training.epochs]
    values = [100 * epoch.test_accuracy for epoch in training.epochs]
    accuracy.plot(finished, values, color=ORANGE, linewidth=1.2, marker="o", markersize=5)
    labelled = list(zip(finished, values, strict=True))
    for x, value in labelled if len(labelled) <= MAX_LABELS else labelled[-1:]:
        accuracy.annotate(
            f"{value:.2f}",
            (x, value),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=INK,
        )
    accuracy.margins(y=0.35)
    accuracy.set_xlim(0, epochs * 1.03 or 1)
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    accuracy.set_xlabel(
        f"epochs ({training.model} on {training.data}, recipe {training.recipe}, "
        f"seed {training.seed})",
        fontsize=SMALL,
        color=GREY,
        parse_math=False,
    )
    return png(figure)


def _smoothed(values: np.ndarray) -> np.ndarray:
    """The mean over NEIGHBOURS values around each value; over fewer at the ends."""
    half = NEIGHBOURS // 2
    return np.array([values[max(i - half, 0) : i + half + 1].mean() for i in range(len(values))])
