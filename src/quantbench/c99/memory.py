"""Where tensors lie in the scratch memory: two that live at once never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 16


@dataclass(frozen=True)
class Life:
    """From the step that makes it to the last that reads it, both included."""

    bytes: int
    first: int
    last: int


def offsets(lives: Sequence[Life]) -> tuple[list[int], int]:
    """An offset for each, and the bytes of all: the largest first, each as low as it goes."""
    placed: dict[int, int] = {}
    for one in sorted(range(len(lives)), key=lambda at: (-lives[at].bytes, at)):
        taken = sorted(
            (placed[other], placed[other] + _aligned(lives[other].bytes))
            for other in placed
            if _meet(lives[one], lives[other])
        )
        at = 0
        for begin, end in taken:
            if at + _aligned(lives[one].bytes) <= begin:
                break
            at = max(at, end)
        placed[one] = at
    end = max((placed[at] + life.bytes for at, life in enumerate(lives)), default=0)
    return [placed[at] for at in range(len(lives))], end


def _meet(one: Life, other: Life) -> bool:
    return one.first <= other.last and other.first <= one.last


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
