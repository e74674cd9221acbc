"""Bars of text: a share as a line of signs."""

from __future__ import annotations

from collections.abc import Sequence

WIDTH = 24


def bar(share: float, width: int = WIDTH) -> str:
    """A bar of `share` of the width, one sign at least where there is anything."""
    share = min(max(share, 0.0), 1.0)
    return "#" * max(round(share * width), 1 if share > 0 else 0)


def stacked(parts: Sequence[tuple[str, float]], width: int = WIDTH) -> str:
    """One bar whose signs stand for parts, by their shares of the whole; it is `width` long.

    `parts` are pairs of a sign and an amount. Rounding is to the cumulated shares, so that the bar
    has its length whatever the parts.
    """
    total = sum(amount for _, amount in parts)
    if total <= 0:
        return ""
    text, done = "", 0.0
    for sign, amount in parts:
        done += amount
        text += sign * (round(done / total * width) - len(text))
    return text
