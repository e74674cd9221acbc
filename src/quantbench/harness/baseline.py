"""The methods that others are compared with. Artifacts depend on this file: it imports nothing."""

from __future__ import annotations

BASELINE = "float32"
AS_GIVEN = "as_given"
"""The method of a network that came quantized: it is the baseline there, and the only method."""


def is_baseline(method: str) -> bool:
    """Whether the rows of a method are what others are compared with."""
    return method in (BASELINE, AS_GIVEN)
