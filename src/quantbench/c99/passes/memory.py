"""Place tensors in the scratch memory so that two that live at once never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 16


@dataclass(frozen=True)
class LiveRange:
    """The steps from the one that writes a buffer to the last that reads it, both included."""

    bytes: int
    first: int
    last: int


def offsets(ranges: Sequence[LiveRange]) -> tuple[list[int], int]:
    """An offset for each, and the bytes of all: the largest first, each as low as it goes."""
    largest_first = sorted(range(len(ranges)), key=lambda index: (-ranges[index].bytes, index))
    # One column for each that is placed: first, last, begin, end.
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
