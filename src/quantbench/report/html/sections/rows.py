"""The table of all rows, to be sorted and searched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from quantbench.harness.records import Latency
from quantbench.report.html.parts import Cell, Column, Report, Section, Table, Words
from quantbench.report.order import Order, ordered
from quantbench.report.scores import bounds_text, score_heading, score_text, signed
from quantbench.report.terminal.numerics import spelled
from quantbench.report.verdicts import row_verdict
from quantbench.report.words import NONE, joined, ratio, significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch


def section(report: Report) -> Section:
    """The section of the rows."""
    results = report.results
    rows = ordered(results, Order.LATENCY)
    words = tuple(row_verdict(results, row) for row in rows)
    table = Table(
        "rows",
        f"Every row of {results.model} on {results.data}",
        tuple(_columns(results)),
        tuple(tuple(_cells(results, row, word)) for row, word in zip(rows, words, strict=True)),
        frozenset(place for place, word in enumerate(words) if word.startswith("ship")),
        filtered=len(rows) > 8,
    )
    return Section("rows", "Every row", (table, Words(_note(results))))


def _columns(results: Results) -> Iterator[Column]:
    batches = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    several = "/".join(f"{batch:,}" for batch in batches) or "batches"
    yield Column("method", "numbers")
    yield Column("runtime")
    yield Column("verdict")
    yield Column("bytes", "times smaller", numeric=True)
    yield Column(score_heading(results.metric), "95% interval", numeric=True)
    yield Column("change", "verdict", numeric=True)
    yield Column(f"µs, 1 {results.sample}", "speed, 95%", numeric=True)
    yield Column(f"µs, {several}", "speed, 95%", numeric=True)
    yield Column("peak MB", numeric=True)


def _cells(results: Results, row: Row, word: str) -> Iterator[Cell]:
    against, metric = row.against_float, results.metric
    difference = against.difference if against else None
    yield Cell(row.method, row.method, spelled(row))
    yield Cell(row.runtime, row.runtime)
    yield Cell(word, word, kind="good" if word.startswith("ship") else _kind(word))
    smaller = f"{ratio(against.bytes_ratio)}×" if against else ""
    yield Cell(f"{row.bytes:,}", row.bytes, smaller)
    score = row.score.value if row.score else ""
    bounds = bounds_text(metric, row.score)
    yield Cell(score_text(metric, row.score), score, "" if bounds == NONE else bounds)
    if difference is None:
        yield Cell(NONE, "", against.verdict if against else "")
    else:
        verdict = against.verdict if against else ""
        change = signed(metric, difference.value)
        yield Cell(change, difference.value, verdict, _kind(verdict))
    yield _timed(row, batch1(row))
    yield _timed(row, largest_batch(row, "model"))
    yield Cell(f"{row.peak_memory / 1e6:,.0f}", row.peak_memory / 1e6)


def _kind(word: str) -> Literal["", "bad"]:
    return "bad" if "worse" in word else ""


def _timed(row: Row, latency: Latency | None) -> Cell:
    if latency is None:
        return Cell(NONE, "")
    speed = fastest_of(row, latency)
    words = ""
    if speed is not None:
        mark = "?" if speed.verdict == "not resolved" else ""
        words = f"{ratio(speed.value)}×{mark} {ratio(speed.low)}–{ratio(speed.high)}"
    return Cell(significant(latency.median), latency.median, words)


def _note(results: Results) -> str:
    floats = [*dict.fromkeys(answer.float32 for answer in results.answers)]
    fastest = f" ({joined(floats)})" if floats else ""
    return (
        f"Speed is the time of the fastest float32{fastest} over this row's, with its 95% "
        "interval; a question mark: not resolved. Change is against float32 in the same runtime, "
        "in points for a metric in per cent. Peak memory is that of the measuring process."
    )
