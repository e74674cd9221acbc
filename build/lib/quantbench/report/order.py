"""The order of rows in the tables."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

from quantbench.results.select import batch1, largest_batch

if TYPE_CHECKING:
    from quantbench.harness.records import Latency
    from quantbench.results.records import MetricInfo, Results, Row


class Order(StrEnum):
    """The figure by which rows are sorted; LATENCY is that of one sample.

    ACCURACY and METRIC both stand for the metric that the study is judged by.
    """

    LATENCY = "latency"
    ACCURACY = "accuracy"
    SIZE = "size"
    THROUGHPUT = "throughput"
    METRIC = "metric"


def sorted_by(by: Order, metric: MetricInfo) -> str:
    """The name of the figure: that of the metric where rows are sorted by it."""
    return metric.title if by in {Order.ACCURACY, Order.METRIC} else by.value


def ordered(results: Results, by: Order) -> tuple[Row, ...]:
    """Sort the best row first and rows without the figure last; equal rows keep their order."""
    return tuple(sorted(results.rows, key=lambda row: _cost(row, by, results.metric)))


def _cost(row: Row, by: Order, metric: MetricInfo) -> float:
    if by in {Order.ACCURACY, Order.METRIC}:
        if row.score is None:
            return math.inf
        return -row.score.value if metric.higher_is_better else row.score.value
    if by is Order.SIZE:
        return row.bytes
    return _microseconds(batch1(row) if by is Order.LATENCY else largest_batch(row, "model"))


def _microseconds(latency: Latency | None) -> float:
    return math.inf if latency is None else latency.median
