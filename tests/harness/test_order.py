"""Orders of rows are balanced as Williams (1949) demands, and random beyond that."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from quantbench.harness.order import orders

ROWS = (1, 2, 3, 5, 8, 26)


def group(rows: int, seed: int, skip: int = 0) -> list[tuple[int, ...]]:
    """The passes of one group of a seed, after `skip` groups."""
    size = rows * (1 + rows % 2)
    found = orders(rows, np.random.default_rng(seed))
    return [*islice(found, skip * size, (skip + 1) * size)]


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("skip", [0, 1])
def test_every_row_stands_in_every_place_equally_often(rows: int, skip: int) -> None:
    passes = group(rows, 3, skip)
    assert all(sorted(names) == [*range(rows)] for names in passes)
    counts = Counter((place, row) for names in passes for place, row in enumerate(names))
    assert counts == {(p, r): 1 + rows % 2 for p in range(rows) for r in range(rows)}


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("skip", [0, 1])
def test_every_row_follows_every_other_equally_often(rows: int, skip: int) -> None:
    counts = Counter(pair for names in group(rows, 3, skip) for pair in pairwise(names))
    assert counts == {(a, b): 1 + rows % 2 for a in range(rows) for b in range(rows) if a != b}


def test_seeds_and_groups_differ_and_a_seed_repeats() -> None:
    assert group(8, 1) == group(8, 1)
    assert len({tuple(group(8, seed, skip)) for seed in range(20) for skip in (0, 1)}) == 40


def test_the_names_are_random_too() -> None:
    """Without that, 0 would always be followed by 7, 1 or nobody else in the first two places."""
    firsts = {group(8, seed)[0][:2] for seed in range(400)}
    assert len(firsts) == 8 * 7
