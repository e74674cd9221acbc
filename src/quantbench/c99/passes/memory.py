"""Where tensors lie in the scratch memory: two that live at once never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 16


@dataclass(frozen=True)
class Life:
    """From the step that makes it to the last that reads it, both included."""

    bytes: int
    first: int
    last: int


def offsets(lives: Sequence[Life]) -> tuple[list[int], int]:
    """An offset for each, and the bytes of all: the largest first, each as low as it goes."""
    order = sorted(range(len(lives)), key=lambda at: (-lives[at].bytes, at))
    # One row for each that is placed: first, last, begin, end.
    placed = np.empty((4, len(order)), np.int64)
    found = [0] * len(order)
    for count, index in enumerate(order):
        life = lives[index]
        first, last, begins, ends = placed[:, :count]
        meets = (first <= life.last) & (last >= life.first)
        taken = sorted(zip(begins[meets].tolist(), ends[meets].tolist(), strict=True))
        at = 0
        for begin, end in taken:
            if at + _aligned(life.bytes) <= begin:
                break
            at = max(at, end)
        found[index] = at
        placed[:, count] = life.first, life.last, at, at + _aligned(life.bytes)
    end = max((at + life.bytes for at, life in zip(found, lives, strict=True)), default=0)
    return found, end


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
