"""Quantizing, dequantizing and reordering take longer than the integer layers between them."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import most, named, percentage, share_of
from quantbench.explain.records import Explanation, TimeSplit
from quantbench.results.records import Finding, Results

TITLE = "conversion dominates"
MATTERS = 0.2


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows that convert for longer than they multiply integers."""
    found = most(explanation.times, _converting, MATTERS)
    if found:
        rows = tuple(split.row for _, split in found)
        yield Finding(
            rule="conversion_dominates",
            weight="cost",
            sentence=(
                f"{named(rows)} {'takes' if len(rows) == 1 else 'take'} longer to quantize, "
                f"dequantize and reorder than to multiply integers: {found[0][0]:.0%} of the time "
                f"of {rows[0]} at batch {found[0][1].batch:,}"
            ),
            evidence=tuple(
                percentage(f"time of {split.row} in conversion", value)
                for value, split in found[:6]
            ),
            remedy=(
                "quantize neighbouring layers too, so that values stay integers between them, or "
                "leave a lone integer layer float"
            ),
            rows=rows,
        )


def _converting(split: TimeSplit) -> float:
    """The share of time in conversion where that is more than in integer layers; else 0."""
    share = share_of(split, "conversion")
    return share if share > share_of(split, "integer") else 0.0
