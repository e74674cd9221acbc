"""Choose the rows of a study that are worth looking into, where the user names none."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, speed_of

MOST = 6
"""Rows that are looked into unasked: each takes seconds to profile."""


def telling_rows(results: Results) -> tuple[str, ...]:
    """The names of at most MOST rows, those first that an answer is about.

    They are what an answer ships, or the smallest where it keeps float32, and the float32 that it
    is compared with; then that row's artifact on another runtime, the quantized row that is slowest
    beside float32 in its own runtime, and the one that is worst beside it.
    """
    return tuple(dict.fromkeys(_names(results)))[:MOST]


def _names(results: Results) -> Iterator[str]:
    rows = {row.name: row for row in results.rows}
    chosen = [x for answer in results.answers if (x := answer.ship or answer.smallest)]
    quantized = [row for row in results.rows if row.kind == "real"]
    yield from (choice.row for choice in chosen)
    for answer in results.answers:
        yield answer.float32
    shipped = [row for choice in chosen if (row := rows.get(choice.row))]
    artifacts = {row.artifact for row in shipped}
    names = {row.name for row in shipped}
    elsewhere = [row for row in quantized if row.artifact in artifacts and row.name not in names]
    yield from (row.name for row in elsewhere[:1])
    slow = [(speed.value, row.name) for row in quantized if (speed := speed_of(row, batch1(row)))]
    yield from (name for value, name in sorted(slow)[:1] if value < 1)
    worse = sorted((lost, row.name) for row in quantized if (lost := _gain(row, results)) < 0)
    yield from (name for _, name in worse[:1])


def _gain(row: Row, results: Results) -> float:
    """The gain of its score over float32's; 0 where it has none."""
    difference = row.against_float.difference if row.against_float else None
    if difference is None:
        return 0.0
    return difference.value if results.metric.higher_is_better else -difference.value
