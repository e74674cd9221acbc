"""Cells of tables: figures with their intervals."""

from __future__ import annotations

from quantbench.report.words import NONE, ratio
from quantbench.results.records import Ratio, Results, Row


def interval(speed: Ratio | None) -> str:
    """A speed with its interval, such as "2.00 1.96–2.04"."""
    if speed is None:
        return NONE
    return f"{ratio(speed.value)} {ratio(speed.low)}–{ratio(speed.high)}"


def loss(row: Row) -> str:
    """The mean negative log likelihood of a row, where that could be computed."""
    figure = row.metrics.get("loss")
    return NONE if figure is None or figure.value is None else f"{figure.value:.4f}"


def has_losses(results: Results) -> bool:
    """Whether losses are worth a column: a row has one, and rows aren't judged by it anyway."""
    return results.metric.name != "loss" and any(loss(row) != NONE for row in results.rows)
