"""Bytes of all the files that it takes to run an artifact."""

from __future__ import annotations

from quantbench.contracts import Observation

UNIT = "bytes"
HIGHER_IS_BETTER = False


def compute(seen: Observation) -> float:
    """The artifact's bytes, without its manifest."""
    return seen.bytes
