"""Which of a row's times and ratios is meant: those of one image, or of the largest batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantbench.harness.records import Latency, LatencyKind
    from quantbench.results.records import Ratio, Row


def batch1(row: Row) -> Latency | None:
    """One image at a time, model only."""
    return next((x for x in row.latency if x.kind == "model" and x.batch == 1), None)


def largest_batch(row: Row, kind: LatencyKind) -> Latency | None:
    """At the largest batch, on the fewest threads."""
    found = [x for x in row.latency if x.kind == kind and x.batch > 1]
    return max(found, key=lambda x: (x.batch, -x.threads), default=None)


def speed_of(row: Row, latency: Latency | None) -> Ratio | None:
    """Against float32 in the same engine; None for an engine that has none."""
    against = row.against_float
    if latency is None or against is None or against.baseline != f"float32 on {row.runtime}":
        return None
    return _find(against.speed, latency)


def fastest_of(row: Row, latency: Latency | None) -> Ratio | None:
    """Against the fastest float32 of any engine."""
    return None if latency is None else _find(row.against_fastest, latency)


def _find(ratios: tuple[Ratio, ...], latency: Latency) -> Ratio | None:
    wanted = (latency.batch, latency.threads, latency.kind)
    return next((x for x in ratios if (x.batch, x.threads, x.kind) == wanted), None)
