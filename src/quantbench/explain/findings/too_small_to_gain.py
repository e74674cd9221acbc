"""The fixed cost of a call is more than all its arithmetic."""

from __future__ import annotations

from collections.abc import Iterable

from quantbench.explain.evidence import most, named, percentage, share_of
from quantbench.explain.records import Explanation
from quantbench.results.records import Finding, Results

TITLE = "too small to gain"
DOMINATES = 0.5


def find(results: Results, explanation: Explanation) -> Iterable[Finding]:
    """One finding for all rows whose calls cost more than what they compute, at few samples.

    A row's smallest batch tells: over many samples a call's own cost is spread, and what profiles
    leave unexplained would count for it.
    """
    smallest: dict[str, int] = {}
    for split in explanation.times:
        smallest[split.row] = min(split.batch, smallest.get(split.row, split.batch))
    few = [split for split in explanation.times if split.batch == smallest[split.row]]
    found = most(few, lambda split: share_of(split, "call"), DOMINATES)
    if found:
        share, worst = found[0]
        rows = tuple(split.row for _, split in found)
        yield Finding(
            rule="too_small_to_gain",
            weight="cost",
            sentence=(
                f"a call costs more than what it computes in {named(rows)}: {share:.0%} of the "
                f"{worst.total_us:.3g} us of {worst.row} at batch {worst.batch:,}, which faster "
                "arithmetic can't save"
            ),
            evidence=tuple(
                percentage(f"time of {split.row} at batch {split.batch} in the call itself", value)
                for value, split in found[:6]
            ),
            remedy=(
                "call it with more samples at a time, or take a runtime whose calls cost less: c99 "
                "is a function call"
            ),
            rows=rows,
        )
