"""A row that more threads don't make faster."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import MOST_NAMED, named, row_names
from quantbench.explain.records import Explanation
from quantbench.harness.records import Latency
from quantbench.results.records import Evidence, Finding, Results, Row

TITLE = "runs single-threaded"
GAINS = 1.2
"""The speed of more threads over one's from which on they are used, and not only asked for."""
IDLE = 0.6
"""The share of the threads asked for that are busy, below which they aren't used."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows that were given more than one thread, and used one."""
    found = [(row, evidence) for row in results.rows if (evidence := _evidence(row)) is not None]
    rows = [row for row, _ in found]
    if rows:
        yield Finding(
            rule="single_threaded",
            weight="note",
            sentence=(
                f"{named(row_names(rows))} {'runs' if len(rows) == 1 else 'run'} on one thread, "
                "whatever the number given"
            ),
            evidence=tuple(evidence for _, evidence in found[:MOST_NAMED]),
            remedy=(
                "run several requests at a time in threads or processes of your own, or take a "
                "runtime that divides a call among threads"
            ),
            rows=row_names(rows),
        )


def _evidence(row: Row) -> Evidence | None:
    """The evidence that a row uses one of its threads; None where nothing does."""
    if row.threads > 1 and row.latency:
        if row.busy_threads >= IDLE * row.threads:
            return None
        what = f"busy threads of {row.name}, of {row.threads}"
        return Evidence(what=what, value=row.busy_threads, unit="threads")
    pair = _most_and_one(row)
    if pair is None or pair[1].median >= GAINS * pair[0].median:
        return None
    many, alone = pair
    return Evidence(
        what=f"speed of {row.name} on {many.threads} threads over one's, batch {many.batch}",
        value=alone.median / many.median,
    )


def _most_and_one(row: Row) -> tuple[Latency, Latency] | None:
    """The model-only latencies on the most threads and on one, at the largest batch of both."""
    model = [latency for latency in row.latency if latency.kind == "model"]
    pairs = [
        (many, alone)
        for many in model
        for alone in model
        if alone.threads == 1 < many.threads and alone.batch == many.batch
    ]
    return max(pairs, key=lambda pair: (pair[0].batch, pair[0].threads), default=None)
