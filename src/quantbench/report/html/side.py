"""Several studies side by side: a column for each machine, and nothing is merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.report.headline import headline
from quantbench.report.html.parts import Cell, Column, Part, Report, Section, Table, Words
from quantbench.report.scores import score_heading, score_text
from quantbench.report.words import NONE, ratio, significant
from quantbench.results.records import Row
from quantbench.results.select import batch1, fastest_of


def section(reports: Sequence[Report]) -> Section:
    """The answers and the rows of several studies, in columns."""
    parts: tuple[Part, ...] = (
        Words(
            "Each column is one results.json. Times of different machines are never merged or "
            "compared: each speed is against the fastest float32 of its own column."
        ),
        _answers(reports),
        _rows(reports),
    )
    return Section("side-by-side", "Side by side", parts)


def _answers(reports: Sequence[Report]) -> Table:
    def line(title: str, texts: Iterator[str]) -> tuple[Cell, ...]:
        return (Cell(title, title), *(Cell(text, text) for text in texts))

    results = [report.results for report in reports]
    return Table(
        "answers",
        "The answers",
        (Column("study"), *(Column(report.name) for report in reports)),
        (
            line("answer", map(headline, results)),
            line("CPU", (x.environment.cpu for x in results)),
            line("network", (f"{x.model} on {x.data}" for x in results)),
            line("metric", (x.metric.title for x in results)),
            line("rows", (f"{len(x.rows)}" for x in results)),
        ),
    )


def _rows(reports: Sequence[Report]) -> Table:
    names = dict.fromkeys(row.name for report in reports for row in report.results.rows)
    by_name = [{row.name: row for row in report.results.rows} for report in reports]
    columns = [Column("row")]
    for report in reports:
        unit = f"µs, 1 {report.results.sample}"
        columns.append(Column(f"{report.name}: {unit}", "speed, 95%", numeric=True))
        heading = score_heading(report.results.metric)
        columns.append(Column(f"{report.name}: {heading}", numeric=True))
    return Table(
        "side-by-side",
        "Rows by name",
        tuple(columns),
        tuple(
            (
                Cell(name, name),
                *(
                    cell
                    for report, rows in zip(reports, by_name, strict=True)
                    for cell in _cells(report, rows.get(name))
                ),
            )
            for name in names
        ),
        filtered=len(names) > 8,
    )


def _cells(report: Report, row: Row | None) -> tuple[Cell, Cell]:
    if row is None:
        return Cell(NONE, ""), Cell(NONE, "")
    latency = batch1(row)
    speed = fastest_of(row, latency)
    words = f"{ratio(speed.value)}× {ratio(speed.low)}–{ratio(speed.high)}" if speed else ""
    timed = Cell(significant(latency.median), latency.median, words) if latency else Cell(NONE, "")
    score = row.score.value if row.score else ""
    return timed, Cell(score_text(report.results.metric, row.score), score)
