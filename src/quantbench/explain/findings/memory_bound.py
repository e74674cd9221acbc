"""Reading the weights takes longer than multiplying by them."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import most, named, percentage
from quantbench.explain.records import Explanation, TimeSplit
from quantbench.results.records import Evidence, Finding, Results

TITLE = "memory-bound"
NEAR = 0.3
"""The share of the time that reading the weights would take at the measured bandwidth, from which
on the bandwidth says how fast the row can be."""


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows that are near the limit that memory sets."""
    found = most(explanation.times, _reading, NEAR)
    if found:
        share, nearest = found[0]
        rows = tuple(split.row for _, split in found)
        yield Finding(
            rule="memory_bound",
            weight="note",
            sentence=(
                f"memory bounds {named(rows)}: reading the weights alone takes {share:.0%} of the "
                f"time of {nearest.row} at batch {nearest.batch:,}, more than its multiply-adds "
                "would"
            ),
            evidence=tuple(
                evidence
                for value, split in found[:3]
                for evidence in (
                    percentage(f"time of {split.row} that reading weights takes", value),
                    Evidence(
                        what=f"least time of {split.row} for its multiply-adds",
                        value=split.limit.compute_us if split.limit else 0.0,
                        unit="us",
                    ),
                )
            ),
            remedy=(
                "make weights smaller rather than arithmetic faster: fewer bits, fewer parameters; "
                "more samples in a call read them once for all"
            ),
            rows=rows,
        )


def _reading(split: TimeSplit) -> float:
    """The share of time that memory takes at least, where it is the nearer limit; else 0."""
    limit = split.limit
    return limit.share if limit is not None and limit.bound_by == "memory" else 0.0
