"""Latencies whose times are given as log ratios, by start and block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from quantbench.harness.records import Latency


def of(blocks: Sequence[Sequence[float]], starts: Sequence[int] | None = None) -> Latency:
    """Blocks of slices in microseconds, all of one start unless `starts` tells."""
    return Latency.model_validate({
        "batch": 1,
        "threads": 1,
        "kind": "model",
        "blocks": blocks,
        "starts": starts or [0] * len(blocks),
        "median": median(median(slices) for slices in blocks),
        "p95": 1.0,
        "p99": 1.0,
    })  # fmt: skip


def logs(values: Sequence[float], starts: Sequence[int] | None = None) -> Latency:
    """A block of one slice for each log of a time over 1,000 us."""
    return of([[1e3 * math.exp(value)] for value in values], starts)


def by_start(values: NDArray[np.float64]) -> Latency:
    """A block of one slice for each log in an array [starts, blocks]."""
    starts = np.repeat(np.arange(values.shape[0]), values.shape[1])
    return logs(values.ravel().tolist(), starts.tolist())
