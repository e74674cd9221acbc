"""Read from results.json which rows of an earlier study were measured beside this one's."""

from __future__ import annotations

from quantbench.harness.records import Latency
from quantbench.results.records import Ratio, Results, Row
from quantbench.results.statistics import speed


def earlier_row(a: Row, b: Results) -> Row | None:
    """The row of A's artifact that was measured in the study B, or None."""
    return next(
        (
            row
            for row in b.earlier
            if row.name == a.name and row.artifact_sha256 == a.artifact_sha256
        ),
        None,
    )


def earlier_speeds(earlier: Row, this: Row) -> tuple[Ratio, ...]:
    """The earlier row's times over this row's, paired by round: above 1, this row is faster."""
    return tuple(
        speed(earlier.name, base, latency)
        for latency in this.latency
        if (base := _cell(earlier, latency)) is not None
    )


def _cell(row: Row, latency: Latency) -> Latency | None:
    cell = latency.kind, latency.batch, latency.threads
    return next((x for x in row.latency if (x.kind, x.batch, x.threads) == cell), None)
