"""Cells of tables: figures with their marks and intervals."""

from __future__ import annotations

from rich.text import Text

from quantbench.harness.records import Latency
from quantbench.report.stability import is_unstable
from quantbench.report.words import NONE, ratio, significant
from quantbench.results.records import Ratio, Results, Row

UNSTABLE = "!"


def cell(figure: str, qualifier: str = "") -> Text:
    """A figure in bold with `qualifier` on the line below."""
    return Text.assemble((figure, "bold"), "\n", qualifier)


def microseconds(row: Row, latency: Latency | None) -> str:
    """The median of a latency, in microseconds a sample, marked where it is unstable."""
    return NONE if latency is None else marked(row, latency, significant(latency.median))


def marked(row: Row, latency: Latency, number: str) -> str:
    """`number` with the sign UNSTABLE before it where the latency is unstable."""
    return f"{UNSTABLE} {number}" if is_unstable(row, latency) else number


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
