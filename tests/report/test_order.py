from __future__ import annotations

import pytest

from quantbench.report.order import Order, ordered
from tests.report.builder import results, row

ROWS = (
    row("a", size=3, correct=9_800, single=20.0, model=30.0),
    row("b", size=1, correct=9_900, single=30.0, model=20.0),
    row("c", size=2, correct=9_700, single=10.0, model=40.0),
    row("untimed", size=4, correct=9_600, latency=()),
)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        (Order.LATENCY, ["c", "a", "b", "untimed"]),
        (Order.THROUGHPUT, ["b", "a", "c", "untimed"]),
        (Order.ACCURACY, ["b", "a", "c", "untimed"]),
        (Order.METRIC, ["b", "a", "c", "untimed"]),
        (Order.SIZE, ["b", "c", "a", "untimed"]),
    ],
)
def test_the_best_stands_first(by, names):
    assert [candidate.method for candidate in ordered(results(*ROWS), by)] == names


@pytest.mark.parametrize("by", Order)
def test_equal_rows_stay_in_place(by):
    twins = tuple(row(name) for name in "xyz")
    assert [each.method for each in ordered(results(*twins), by)] == ["x", "y", "z"]
