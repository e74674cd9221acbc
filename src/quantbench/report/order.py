"""The order of rows in the tables."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from quantbench.results.select import batch1, largest_batch

if TYPE_CHECKING:
    from quantbench.harness.records import Latency
    from quantbench.results.records import Row


class Order(StrEnum):
    """The figure by which rows are sorted; LATENCY is that of one image."""

    LATENCY = "latency"
    ACCURACY = "accuracy"
    SIZE = "size"
    THROUGHPUT = "throughput"


def ordered(rows: Iterable[Row], by: Order) -> tuple[Row, ...]:
    """Sort the best row first and rows without a time last; equal rows keep their order."""
    return tuple(sorted(rows, key=lambda row: _cost(row, by)))


def _cost(row: Row, by: Order) -> float:
    if by is Order.ACCURACY:
        return -row.accuracy.value
    if by is Order.SIZE:
        return row.bytes
    return _microseconds(batch1(row) if by is Order.LATENCY else largest_batch(row, "model"))


def _microseconds(latency: Latency | None) -> float:
    return math.inf if latency is None else latency.median
