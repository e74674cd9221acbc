"""Memory planning: offsets in scratch memory at which live tensors never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 16


@dataclass(frozen=True)
class LiveRange:
    """The steps during which a buffer is live: from its write to its last read, both included."""

    bytes: int
    first: int
    last: int


def offsets(ranges: Sequence[LiveRange]) -> tuple[list[int], int]:
    """The offset of each buffer, and the bytes of all.

    The largest buffer is placed first, each at the lowest offset that is free during its life.
    """
    largest_first = sorted(range(len(ranges)), key=lambda index: (-ranges[index].bytes, index))
    # One column for each placed buffer: first step, last step, begin, end.
    placed = np.empty((4, len(ranges)), np.int64)
    chosen = [0] * len(ranges)
    for count, index in enumerate(largest_first):
        live = ranges[index]
        first, last, begins, ends = placed[:, :count]
        overlapping = (first <= live.last) & (last >= live.first)
        taken = sorted(zip(begins[overlapping].tolist(), ends[overlapping].tolist(), strict=True))
        offset = 0
        for begin, end in taken:
            if offset + _aligned(live.bytes) <= begin:
                break
            offset = max(offset, end)
        chosen[index] = offset
        placed[:, count] = live.first, live.last, offset, offset + _aligned(live.bytes)
    end = max((at + live.bytes for at, live in zip(chosen, ranges, strict=True)), default=0)
    return chosen, end


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
