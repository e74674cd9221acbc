"""The main table: every row on every runtime, one image at a time and in batches.

A row has two lines, one sample at a time above and the largest batch below, which fit 80
columns. Wider screens get the words for the codes, and the slowest calls.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from quantbench.harness.records import Latency
from quantbench.report.order import Order, ordered, sorted_by
from quantbench.report.scores import WIDEST, bounds_text, score_heading, score_text
from quantbench.report.terminal.cells import (
    UNSTABLE,
    cell,
    interval,
    microseconds,
)
from quantbench.report.terminal.grid import titled
from quantbench.report.terminal.numerics import LEGEND, coded, spelled
from quantbench.report.words import (
    NONE,
    an,
    count,
    joined,
    percent,
    ratio,
    significant,
)
from quantbench.results.records import MetricInfo, Ratio, Results, Row
from quantbench.results.select import (
    batch1,
    fastest_of,
    largest_batch,
    speed_of,
)

WIDE = 120
PARETO = "*"
BASELINE, FASTEST = "baseline", "the fastest"


@dataclass(frozen=True)
class MainTable:
    """The main table, sorted by `by`, with its notes; rich asks it for the terminal's width."""

    results: Results
    by: Order

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        wide = options.max_width >= WIDE
        yield _table(self.results, self.by, wide)
        for line in _notes(self.results, wide):
            for part in textwrap.wrap(line, options.max_width, break_on_hyphens=False):
                yield Text(part)


def _table(results: Results, by: Order, wide: bool) -> Table:
    batches = {x.batch for row in results.rows if (x := largest_batch(row, "model"))}
    threads = joined(str(n) for n in sorted({row.threads for row in results.rows}))
    below = f"below: batches of {joined(f'{n:,}' for n in sorted(batches))}; "
    table = titled(
        f"By {sorted_by(by, results.metric)}; above: one {results.sample} at a time; "
        f"{below if batches else ''}"
        f"{threads} {'thread' if threads == '1' else 'threads'}",
        narrow=True,
    )
    table.add_column(Text("  method\n  runtime, numerics"), overflow="fold")
    for heading in (
        "bytes\nsmaller",
        f"{textwrap.fill(score_heading(results.metric), WIDEST)}\n95%",
        f"µs {an(results.sample)}".replace(f" {results.sample}", f"\n{results.sample}"),
        *(("p95", "p99") if wide else ()),
        "speed: same\nengine, 95%",
        "speed: fastest\nfloat32, 95%",
    ):
        table.add_column(Text(heading), justify="right", overflow="fold")
    for row in ordered(results, by):
        table.add_row(
            *_cells(row, results.metric, wide), style="italic" if row.kind == "float" else ""
        )
    return table


def _cells(row: Row, metric: MetricInfo, wide: bool) -> tuple[Text, ...]:
    single, batch = batch1(row), largest_batch(row, "model")
    return (
        cell(
            f"{PARETO if row.pareto else ' '} {row.method}",
            f"  {row.runtime}, {spelled(row)}" if wide else f"  {row.runtime} {coded(row)}",
        ),
        cell(
            f"{row.bytes:,}",
            f"{ratio(row.against_float.bytes_ratio)}×" if row.against_float else "",
        ),
        cell(score_text(metric, row.score), bounds_text(metric, row.score)),
        _both(microseconds(row, single), microseconds(row, batch)),
        *(_tails(single, batch) if wide else ()),
        _both(*(_speed(row, x, speed_of(row, x), BASELINE) for x in (single, batch))),
        _both(*(_speed(row, x, fastest_of(row, x), FASTEST) for x in (single, batch))),
    )


def _both(above: str, below: str) -> Text:
    return Text(f"{above}\n{below}")


def _tails(single: Latency | None, batch: Latency | None) -> tuple[Text, Text]:
    return (
        _both(*(significant(x.p95) if x else NONE for x in (single, batch))),
        _both(*(significant(x.p99) if x else NONE for x in (single, batch))),
    )


def _speed(row: Row, latency: Latency | None, speed: Ratio | None, otherwise: str) -> str:
    if speed is None and latency is not None and row.against_float is None:
        return otherwise
    return interval(speed)


def _notes(results: Results, wide: bool) -> tuple[str, ...]:
    ratios = [x for row in results.rows if row.against_float for x in row.against_float.speed]
    over = ""
    if ratios:
        starts = ratios[0].starts
        over = (
            f", over {'the rounds' if starts == 1 else 'the starts'} "
            f"({count(starts, 'fresh start')} of each worker) plus {percent(ratios[0].floor, 0)}"
        )
    return (
        f"{PARETO} Pareto: no other row is at least as good in {results.metric.title}, as fast "
        f"(one {results.sample}) and as small, and better in one. {UNSTABLE} unstable, see above.",
        "speed: float32's time over this row's, paired by round: above 1 is faster, and an "
        f"interval that holds 1 shows no difference{over}.",
        *(() if wide else (LEGEND,)),
    )
