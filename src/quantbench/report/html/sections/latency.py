"""The time of a sample against batch size and threads."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quantbench.report.html.parts import Figure, Report, Section, keyed, legend, numbers
from quantbench.report.lines import first_lines
from quantbench.report.order import Order
from quantbench.report.svg.frame import Axis
from quantbench.report.svg.lines import Line, lines
from quantbench.report.svg.marks import Series
from quantbench.report.words import an, count, significant
from quantbench.results.records import Results, Row


def section(report: Report) -> Section | None:
    """The section of times; None where none were taken."""
    results = report.results
    threads = sorted({x.threads for row in results.rows for x in row.latency if x.kind == "model"})
    figures = tuple(
        figure for number in threads if (figure := _figure(results, number)) is not None
    )
    if not figures:
        return None
    return Section("latency", "Time against batch size and threads", figures)


def _figure(results: Results, threads: int) -> Figure | None:
    chosen = [line.row for line in first_lines(results, Order.LATENCY).shown]
    series = keyed(sorted({row.runtime for row in results.rows}))
    drawn = tuple(_lines(chosen, threads, series))
    if not drawn:
        return None
    batches = tuple(sorted({x for line in drawn for x, _ in line.points}))
    values = tuple(y for line in drawn for _, y in line.points)
    fastest = min(drawn, key=lambda line: line.points[-1][1])
    shown = {row.runtime for row in chosen}
    return Figure(
        f"µs for {an(results.sample)}, {count(threads, 'thread')}",
        f"{count(len(drawn), 'row')} that matter most; both axes are logarithmic, dashed: "
        f"float32. {fastest.name} is fastest at batch {fastest.points[-1][0]:,g}: "
        f"{significant(fastest.points[-1][1])} µs. The numbers hold every row.",
        partial(
            lines,
            x=Axis("batch", batches, log=True, ticks=batches),
            y=Axis(f"µs for {an(results.sample)}", values, log=True),
            drawn=drawn,
        ),
        numbers(
            f"latency-{threads}-threads",
            ("row", "batch", "threads", "µs, median", "p95", "p99"),
            (
                (row.name, x.batch, x.threads, x.median, x.p95, x.p99)
                for row in results.rows
                for x in sorted(row.latency, key=lambda x: x.batch)
                if x.kind == "model" and x.threads == threads
            ),
        ),
        legend({name: each for name, each in series.items() if name in shown}),
    )


def _lines(rows: list[Row], threads: int, series: dict[str, Series]) -> Iterator[Line]:
    for row in rows:
        points = sorted(
            (float(x.batch), x.median)
            for x in row.latency
            if x.kind == "model" and x.threads == threads
        )
        if points:
            dashed = row.kind == "float"
            yield Line(tuple(points), series[row.runtime], row.name, dashed)
