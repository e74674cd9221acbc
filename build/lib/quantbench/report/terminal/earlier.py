"""Rows against those of an earlier study that were measured in the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import RenderableType

from quantbench.report.scores import difference_text
from quantbench.report.terminal.grid import listed
from quantbench.report.words import an, ratio
from quantbench.results.paired import paired_speed
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, largest_batch


def earlier_lines(results: Results, pairs: Iterable[tuple[Row, Row]]) -> tuple[RenderableType, ...]:
    """A line for each pair of an earlier row and this study's; nothing where there is none."""
    return listed(
        "Against A, measured in turn with it: A's time over B's",
        ((this.name, "; ".join(_words(results, earlier, this))) for earlier, this in pairs),
    )


def earlier_pairs(results: Results) -> Iterator[tuple[Row, Row]]:
    """The rows of an earlier study, each with the one of this study."""
    by_name = {row.name: row for row in results.rows}
    return ((row, by_name[row.name]) for row in results.earlier if row.name in by_name)


def _words(results: Results, earlier: Row, this: Row) -> Iterator[str]:
    for latency in (batch1(this), largest_batch(this, "model")):
        speed = None if latency is None else paired_speed(earlier, latency)
        if speed is not None:
            where = an(results.sample) if speed.batch == 1 else f"batch {speed.batch:,}"
            interval = f"{ratio(speed.low)}–{ratio(speed.high)}"
            yield f"{where} {ratio(speed.value)}× (95% interval {interval}, {speed.verdict})"
    if against := this.against_earlier:
        difference = against.differences.get(results.metric.name)
        yield f"{difference_text(results.metric, difference)}{against.verdict})"
