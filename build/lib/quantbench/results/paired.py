"""Read from results.json which rows of an earlier study were measured beside this one's."""

from __future__ import annotations

from quantbench.harness.records import Latency
from quantbench.results.records import Ratio, Results, Row
from quantbench.results.speed import speed


def earlier_row(a: Row, b: Results) -> Row | None:
    """The row of A's artifact that was measured in the study B, or None."""
    name = a.name, a.artifact_sha256
    return next((row for row in b.earlier if (row.name, row.artifact_sha256) == name), None)


def same_cell(row: Row, latency: Latency) -> Latency | None:
    """The row's latency of the same kind, batch and threads, or None."""
    cell = latency.kind, latency.batch, latency.threads
    return next((x for x in row.latency if (x.kind, x.batch, x.threads) == cell), None)


def paired_speed(earlier: Row, latency: Latency) -> Ratio | None:
    """The earlier row's time over one of this study, paired by slice: above 1, this is faster.

    None where the earlier row wasn't timed so, and where the blocks are too few or don't belong
    together, for a file may say anything.
    """
    base = same_cell(earlier, latency)
    try:
        return None if base is None else speed(earlier.name, base, latency)
    except (ValueError, ZeroDivisionError):
        return None
