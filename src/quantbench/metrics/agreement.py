"""The share of test images on which a row answers as float32 does, right or wrong."""

from __future__ import annotations

from quantbench.contracts import Observation

UNIT = "fraction"
HIGHER_IS_BETTER = True


def compute(seen: Observation) -> float:
    """The share of images, 0 to 1, with the same largest logit as float32's."""
    return float((seen.logits.argmax(1) == seen.float_logits.argmax(1)).mean())
