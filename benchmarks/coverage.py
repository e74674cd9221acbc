"""How often the interval of the shipped row holds its true speed, on recorded noise.

    python -m benchmarks.coverage noise.json [--studies 20000]

Each simulated study has some quantized rows and a float32. A row's log ratio in each start is its
true one and a recorded deviation: those of two identical processes, from `benchmarks.against_itself
same --record`. After the starts that all rows get, those that may be the fastest get as many again.
The row is chosen and given its interval by the study's own code. True speeds are all equal (any may
be chosen), or spread over 2 % or 10 %.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from quantbench.harness.records import Latency
from quantbench.harness.schedule import Schedule
from quantbench.results.speed import MARGIN, as_fast, fastest, speed

STARTS = Schedule().starts
ROWS = (2, 6, 12)
SPREADS = (0.0, 0.02, 0.10)
SPEED = 2.0
"""The fastest row's true ratio to float32."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("noise", type=Path)
    parser.add_argument("--studies", type=int, default=20_000)
    asked = parser.parse_args()
    recorded = np.array(json.loads(asked.noise.read_text()))[:, :STARTS]
    random = np.random.default_rng(0)
    # A ratio of two rows has the deviations of both: each row alone has the half of their variance.
    deviations = np.concatenate((recorded, -recorded)).ravel() / math.sqrt(2)
    sys.stdout.write(f"{recorded.size:,} starts, spread {deviations.std():.2%} a row\n")
    for rows in ROWS:
        for spread in SPREADS:
            held = sum(study(rows, spread, deviations, random) for _ in range(asked.studies))
            share = binomtest(held, asked.studies).proportion_ci(0.95)
            sys.stdout.write(
                f"{rows:3} rows, {spread:4.0%} apart: {held / asked.studies:.2%} "
                f"({share.low:.2%} to {share.high:.2%}) of the intervals hold\n"
            )


def study(
    rows: int, spread: float, deviations: NDArray[np.float64], random: np.random.Generator
) -> bool:
    """Whether the interval of the row that a simulated study ships holds its true ratio."""
    true = np.log(SPEED) - np.linspace(0, math.log1p(spread), rows)
    drawn = random.choice(deviations, (rows + 1, 2 * STARTS))
    logs = drawn - np.append(true, 0)[:, None]
    base = latency(logs[-1])
    finalists = near([latency(row[:STARTS]) for row in logs[:-1]])
    timed = [latency(row if i in finalists else row[:STARTS]) for i, row in enumerate(logs[:-1])]
    best = timed[fastest(timed)]
    ties = [i for i, row in enumerate(timed) if as_fast(row, best)]
    ship = ties[int(random.integers(len(ties)))]  # bytes don't depend on times
    ratio = speed("float32", base, timed[ship], among=rows)
    return ratio.low <= math.exp(true[ship]) <= ratio.high


def near(rows: list[Latency]) -> set[int]:
    """The rows that may be the fastest within the margin, as results/contest.py asks."""
    best = rows[fastest(rows)]
    reach = 1 / (1 + MARGIN)
    return {i for i, row in enumerate(rows) if speed("", best, row).high >= reach}


def latency(logs: NDArray[np.float64]) -> Latency:
    """The times of a row whose log time in each start is given; one block a start."""
    blocks = tuple((float(value),) for value in np.exp(logs))
    return Latency(
        batch=1, threads=1, kind="model", blocks=blocks, starts=tuple(range(len(blocks))),
        median=1.0, p95=1.0, p99=1.0,
    )  # fmt: skip


if __name__ == "__main__":
    main()
