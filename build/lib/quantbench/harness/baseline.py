"""The methods that others are compared with. Artifacts depend on this file: it imports nothing."""

from __future__ import annotations

BASELINE = "float32"
AS_GIVEN = "as_given"
"""The method of a network that came quantized: it is the baseline there, and the only method."""

GIVEN = "given"
"""The method of a quantized form that the user has of the network: its rows stand beside others."""


def is_baseline(method: str) -> bool:
    """Whether the rows of a method are what others are compared with."""
    return method in (BASELINE, AS_GIVEN)
