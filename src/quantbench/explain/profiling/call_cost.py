"""The fixed cost of a call, and the factor by which a profile's operators are scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CallCost:
    """The fixed cost of a call, in microseconds, between the bounds that measurements give.

    `scale` is what operators are multiplied by so that all sums to the unprofiled call, and
    `unscaled` that sum without it.
    """

    us: float
    low: float
    high: float
    scale: float
    unscaled: float


def call_cost(
    total: float, profiled: float, operators: Sequence[float], line: Mapping[int, float] | None
) -> CallCost:
    """Tell the cost of a call from that of its operators, all in microseconds.

    `total` and `profiled`: a call without and with the profiler; `line`: batch -> unprofiled call.

    A profiler makes operators slower, so the call costs at least what they leave of `total`. It
    costs at most what they leave of `profiled`, nor more than the line through the batches has at
    none, which holds the reading of weights as well. The middle of both bounds is taken.
    """
    sum_ = float(sum(operators))
    low = max(0.0, total - sum_)
    most = [total, max(profiled - sum_, 0.0)]
    if line:
        most.append(intercept(line))
    high = max(low, min(most))
    cost = (low + high) / 2
    scale = (total - cost) / sum_ if sum_ else 0.0
    return CallCost(cost, low, high, scale, cost + sum_)


def intercept(line: Mapping[int, float]) -> float:
    """The microseconds that a line through batch -> time has at no sample; 0 at least.

    Least squares of the relative residuals: a large batch isn't worth more than a small one.
    """
    batches, times = (np.array([*values], np.float64) for values in (line.keys(), line.values()))
    equations = np.stack([1 / times, batches / times], axis=1)
    solution, *_ = np.linalg.lstsq(equations, np.ones(len(times)))
    return max(float(solution[0]), 0.0)
