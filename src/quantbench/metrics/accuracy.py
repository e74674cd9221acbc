"""The share of test images whose largest logit is at the label."""

from __future__ import annotations

from quantbench.contracts import Observation

UNIT = "fraction"
HIGHER_IS_BETTER = True


def compute(seen: Observation) -> float:
    """The accuracy, 0 to 1; of equal largest logits the first counts."""
    return float((seen.logits.argmax(1) == seen.labels).mean())
