"""Select a row's times and ratios: those of one image, or of the largest batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quantbench.harness.records import Latency, LatencyKind
    from quantbench.results.records import Ratio, Row


def batch1(row: Row) -> Latency | None:
    """The model-only latency of one image at a time, or None."""
    return next((x for x in row.latency if x.kind == "model" and x.batch == 1), None)


def largest_batch(row: Row, kind: LatencyKind) -> Latency | None:
    """The latency at the largest batch above 1, on the fewest threads, or None."""
    candidates = [x for x in row.latency if x.kind == kind and x.batch > 1]
    return max(candidates, key=lambda x: (x.batch, -x.threads), default=None)


def speed_of(row: Row, latency: Latency | None) -> Ratio | None:
    """The speed against float32 in the same runtime; None for a runtime without float32."""
    against = row.against_float
    if latency is None or against is None or against.baseline.partition(" on ")[2] != row.runtime:
        return None
    return _find(against.speed, latency)


def fastest_of(row: Row, latency: Latency | None) -> Ratio | None:
    """The speed against the fastest float32 of any runtime, or None."""
    return None if latency is None else _find(row.against_fastest, latency)


def _find(ratios: tuple[Ratio, ...], latency: Latency) -> Ratio | None:
    cell = (latency.batch, latency.threads, latency.kind)
    return next((x for x in ratios if (x.batch, x.threads, x.kind) == cell), None)
