"""The order in which rows take turns: random, and balanced over passes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def orders(rows: int, random: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Yield orders of range(rows) without end, one for each pass.

    In each group of `rows` passes (twice as many where `rows` is odd) every row stands once (twice)
    in every place, and follows every other row once (twice): Williams, Australian Journal of
    Scientific Research A 2 (1949) 149-168. Each group's names and sequence of passes are random.
    """
    while True:
        names = random.permutation(rows).tolist()
        passes = [
            tuple(names[(place + shift) % rows] for place in base)
            for base in _bases(rows)
            for shift in range(rows)
        ]
        for number in random.permutation(len(passes)):
            yield passes[number]


def _bases(rows: int) -> tuple[tuple[int, ...], ...]:
    """The sequence 0, n-1, 1, n-2, 2, ..., whose shifts are balanced for even n.

    For odd n it takes its mirror image as well.
    """
    base = tuple(place // 2 if place % 2 == 0 else rows - 1 - place // 2 for place in range(rows))
    return (base,) if rows % 2 == 0 else (base, base[::-1])
