"""When a time is not to be trusted, and why."""

from __future__ import annotations

from quantbench.harness.records import Latency
from quantbench.report.words import percent, shown, spread
from quantbench.results.records import Row

MOST_SPREAD = 0.1
THREADS_OFF = 0.2


def unstable(row: Row) -> tuple[str, ...]:
    """Why the times of a row shouldn't be trusted to a few per cent; empty where they can.

    A share alone is of the median, and what the middle half of the rounds spans.
    """
    found = []
    if _too_busy(row):
        found.append(f"kept {row.busy_threads:.1f} processors busy, asked for {row.threads}")
    if _starved(row):
        found.append(f"got only {row.busy_threads:.1f} of a processor")
    varied = [
        f"{percent(spread(latency), 0)} {_column(latency)}"
        for latency in shown(row)
        if spread(latency) > MOST_SPREAD
    ]
    if varied:
        found.append(", ".join(varied))
    return tuple(found)


def is_unstable(row: Row, latency: Latency) -> bool:
    return _too_busy(row) or _starved(row) or spread(latency) > MOST_SPREAD


def _too_busy(row: Row) -> bool:
    return row.busy_threads > row.threads + THREADS_OFF


def _starved(row: Row) -> bool:
    """Something else was running. More threads than one may wait for each other instead."""
    return bool(row.latency) and row.busy_threads < 1 - THREADS_OFF


def _column(latency: Latency) -> str:
    if latency.kind == "end_to_end":
        return "with data"
    return "1 image" if latency.batch == 1 else "model only"
