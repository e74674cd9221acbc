"""Tell which times are not to be trusted, and why."""

from __future__ import annotations

from quantbench.harness.records import Latency
from quantbench.report.words import percent, shown, spread
from quantbench.results.records import Row

MAX_SPREAD = 0.1
"""Share of the median that the middle half of the rounds may span."""
THREADS_OFF = 0.2
"""Busy threads, more or fewer than asked for, that are still normal."""


def unstable(row: Row, sample: str) -> tuple[str, ...]:
    """The reasons why a row's times can't be trusted to a few per cent; empty where they can.

    A reason that is a bare percentage is the width of the middle half of the rounds over their
    median. `sample` is what one input is called.
    """
    reasons = []
    if _too_busy(row):
        reasons.append(f"kept {row.busy_threads:.1f} processors busy, asked for {row.threads}")
    if _starved(row):
        reasons.append(f"got only {row.busy_threads:.1f} of a processor")
    varied = [
        f"{percent(spread(latency), 0)} {_column(latency, sample)}"
        for latency in shown(row)
        if spread(latency) > MAX_SPREAD
    ]
    if varied:
        reasons.append(", ".join(varied))
    return tuple(reasons)


def is_unstable(row: Row, latency: Latency) -> bool:
    """Whether one latency of a row can't be trusted to a few per cent."""
    return _too_busy(row) or _starved(row) or spread(latency) > MAX_SPREAD


def _too_busy(row: Row) -> bool:
    return row.busy_threads > row.threads + THREADS_OFF


def _starved(row: Row) -> bool:
    """Whether another program took the processor. Several threads may wait for one another, so the
    bound is one thread.
    """
    return bool(row.latency) and row.busy_threads < 1 - THREADS_OFF


def _column(latency: Latency, sample: str) -> str:
    if latency.kind == "end_to_end":
        return "with data"
    return f"1 {sample}" if latency.batch == 1 else "model only"
