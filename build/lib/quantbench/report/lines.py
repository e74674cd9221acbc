"""Choose what the first table shows: a line for each row that matters, ties in one line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quantbench.harness.records import Latency
from quantbench.report.order import Order, ordered
from quantbench.results.recommend import trains
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch
from quantbench.results.speed import MARGIN

MOST = 12
"""Lines of the first table."""


@dataclass(frozen=True)
class Line:
    """A row, and the rows of its runtime that tie with it in time and in verdict."""

    row: Row
    ties: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Lines:
    """The lines to show, in their order, and the number of rows that are in none of them."""

    shown: tuple[Line, ...]
    left: int = 0


def all_lines(results: Results, by: Order) -> Lines:
    """Every row in a line of its own, sorted by `by`."""
    return Lines(tuple(map(Line, ordered(results, by))))


def first_lines(results: Results, by: Order, most: int = MOST) -> Lines:
    """Choose at most so many lines, sorted by `by`.

    They are, until there are enough: the rows to ship, the float32 rows that these are compared
    with, the rows that were started most often, those on the Pareto front, then the first by `by`.
    """
    rows = ordered(results, by)
    folded = _folded(results, rows)
    line_of = {row.name: line for line in folded for row in (line.row, *line.ties)}
    named = (line_of[row.name] for row in _by_weight(results, rows))
    chosen = {line.row.name: line for line in named}
    kept = [*chosen.values()][:most]
    names = {line.row.name for line in kept}
    shown = tuple(line_of[row.name] for row in rows if row.name in names)
    return Lines(shown, len(rows) - sum(1 + len(line.ties) for line in shown))


def _by_weight(results: Results, rows: Sequence[Row]) -> Iterator[Row]:
    """The rows, what matters most first; a row may come again."""
    by_name = {row.name: row for row in rows}
    yield from (by_name[name] for name in _of_the_answers(results, by_name) if name in by_name)
    started = [_starts(row) for row in rows]
    if started and min(started) < max(started):
        yield from (row for row, n in zip(rows, started, strict=True) if n == max(started))
    yield from (row for row in rows if row.pareto)
    yield from rows


def _of_the_answers(results: Results, rows: dict[str, Row]) -> Iterator[str]:
    choices = [choice for x in results.answers if (choice := x.ship or x.smallest) is not None]
    yield from (choice.row for choice in choices)
    yield from (answer.float32 for answer in results.answers)
    against = [rows[x.row].against_float for x in choices if x.row in rows]
    yield from (each.baseline for each in against if each is not None)
    yield from (answer.share.float32 for answer in results.answers if answer.share)


def _starts(row: Row) -> int:
    return max((len({*latency.starts}) for latency in row.latency), default=0)


def _folded(results: Results, rows: Sequence[Row]) -> list[Line]:
    """The rows in lines: a row joins the first line that it ties with.

    Lines begin with rows to ship, then with those of the fewest bytes.
    """
    shipped = {answer.ship.row for answer in results.answers if answer.ship is not None}
    lines: list[Line] = []
    for row in sorted(rows, key=lambda row: (row.name not in shipped, *_plainest(row))):
        place = next((n for n, line in enumerate(lines) if _tie(line.row, row)), None)
        if place is None or row.name in shipped:
            lines.append(Line(row))
        else:
            lines[place] = Line(lines[place].row, (*lines[place].ties, row))
    return lines


def _plainest(row: Row) -> tuple[int, bool, str]:
    return row.bytes, trains(row), row.name


def _tie(a: Row, b: Row) -> bool:
    """Whether two quantized rows of a runtime are as fast and have the same verdict of scores."""
    if a.runtime != b.runtime or a.against_float is None or b.against_float is None:
        return False
    alike = a.against_float.verdict == b.against_float.verdict
    costs = a.against_float.costs == b.against_float.costs
    return alike and costs and all(_as_fast(a, b, x, y) for x, y in _timed(a, b))


def _timed(a: Row, b: Row) -> Iterator[tuple[Latency | None, Latency | None]]:
    yield batch1(a), batch1(b)
    yield largest_batch(a, "model"), largest_batch(b, "model")


def _as_fast(a: Row, b: Row, x: Latency | None, y: Latency | None) -> bool:
    """Whether two times are within the margin, each paired with the fastest float32's."""
    if x is None and y is None:
        return True
    one, other = fastest_of(a, x), fastest_of(b, y)
    if one is None or other is None or one.batch != other.batch:
        return False
    return abs(math.log(one.value / other.value)) <= math.log1p(MARGIN)
