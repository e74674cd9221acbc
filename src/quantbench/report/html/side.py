"""Several studies side by side: a column for each machine, and nothing is merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.report.headline import headline
from quantbench.report.html.parts import Cell, Column, Part, Report, Section, Table, Words
from quantbench.report.scores import score_heading, score_text
from quantbench.report.words import NONE, integer_instructions, ratio, significant
from quantbench.results.records import Ratio, Recommendation, Results, Row
from quantbench.results.select import batch1, fastest_of


def section(reports: Sequence[Report]) -> Section:
    """The answers and the rows of several studies, in columns."""
    words = (
        "Each column is one results.json. Times of different machines are never merged or "
        "compared: each speed is against the fastest float32 of its own column.",
        *_differences([report.results for report in reports]),
    )
    parts: tuple[Part, ...] = (*map(Words, words), _answers(reports), _rows(reports))
    return Section("side-by-side", "Side by side", parts)


def _differences(results: Sequence[Results]) -> Iterator[str]:
    """The differences beside the machine that keep scores from being compared as they stand."""
    if len({each.network_sha256 for each in results}) > 1:
        yield "The networks differ, by the hash of their structure and weights."
    if len({each.splits.get("test") for each in results}) > 1:
        yield "The test samples differ, so scores are of different questions."
    if len({each.metric.name for each in results}) > 1:
        yield "The metrics differ."


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
            line(f"its speed, 1 {results[0].sample}", map(_shipped_speed, results)),
            line("fastest float32", map(_fastest_float, results)),
            line("CPU", (x.environment.cpu for x in results)),
            line("instructions", (integer_instructions(x.environment) for x in results)),
            line("cores", (f"{x.environment.cores}" for x in results)),
            line("network", (f"{x.model} on {x.data}" for x in results)),
            line("metric", (x.metric.title for x in results)),
            line("rows", (f"{len(x.rows)}" for x in results)),
        ),
    )


def _single(results: Results) -> Recommendation | None:
    return next((answer for answer in results.answers if answer.batch == 1), None)


def _shipped_speed(results: Results) -> str:
    """How many times as fast as float32 the row to ship is, in its own column."""
    answer = _single(results)
    if answer is None or answer.ship is None:
        return NONE
    speed = answer.ship.speed
    return f"{_times(speed)}, {speed.verdict}"


def _fastest_float(results: Results) -> str:
    answer = _single(results)
    row = next((row for row in results.rows if answer and row.name == answer.float32), None)
    latency = batch1(row) if row else None
    return f"{row.name}, {significant(latency.median)} µs" if row and latency else NONE


def _times(speed: Ratio) -> str:
    return f"{ratio(speed.value)}× {ratio(speed.low)}–{ratio(speed.high)}"


def _rows(reports: Sequence[Report]) -> Table:
    names = dict.fromkeys(row.name for report in reports for row in report.results.rows)
    by_name = [{row.name: row for row in report.results.rows} for report in reports]
    shipped = {
        answer.ship.row for report in reports for answer in report.results.answers if answer.ship
    }
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
        emphasized=frozenset(place for place, name in enumerate(names) if name in shipped),
        filtered=len(names) > 8,
    )


def _cells(report: Report, row: Row | None) -> tuple[Cell, Cell]:
    if row is None:
        return Cell(NONE, ""), Cell(NONE, "")
    latency = batch1(row)
    speed = fastest_of(row, latency)
    answer = _single(report.results)
    words = "the fastest float32" if answer and answer.float32 == row.name else ""
    words = _times(speed) if speed else words
    timed = Cell(significant(latency.median), latency.median, words) if latency else Cell(NONE, "")
    score = row.score.value if row.score else ""
    return timed, Cell(score_text(report.results.metric, row.score), score)
