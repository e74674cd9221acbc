"""Which row a study would have named with other starts: a simulation on recorded ones.

    python -m benchmarks.resampled_answer RESULTS.json ... [--studies 1000]

The files are studies of one task on one machine, as benchmarks.same_answer keeps them. The starts
of all files are put together, of those rows that each of them started again. A simulated study
draws six starts, compares and recommends as a study does. It prints how often each answer, at one
sample and at the largest batch, is given.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from quantbench.harness.records import Latency
from quantbench.results.file import read_results
from quantbench.results.recommend import recommendations
from quantbench.results.records import Results, Row
from quantbench.results.speed import fastest, speed

STARTS = 6
Cell = tuple[int, int]
"""Batch and threads."""
Blocks = list[tuple[float, ...]]
Start = Mapping[str, Mapping[Cell, Blocks]]
"""Row -> cell -> blocks of slices, of one start of its worker."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    files = [read_results(path) for path in asked.files]
    names = set.intersection(*(started_again(file) for file in files))
    rows = [row for row in files[0].rows if row.name in names]
    starts = [start for file in files for start in starts_of(file, names)]
    random = np.random.default_rng(asked.seed)
    answers = Counter(
        answer(rows, [starts[i] for i in random.choice(len(starts), STARTS, replace=False)])
        for _ in range(asked.studies)
    )
    sys.stdout.write(f"{len(starts)} starts of {len(rows)} rows, {asked.studies} studies\n")
    for name, count in answers.most_common():
        sys.stdout.write(f"{count:6} {name}\n")


def started_again(results: Results) -> set[str]:
    most = max(len({*x.starts}) for row in results.rows for x in row.latency)
    return {
        row.name
        for row in results.rows
        if all(len({*x.starts}) == most for x in row.latency if x.kind == "model")
    }


def starts_of(results: Results, names: set[str]) -> list[Start]:
    rows = [row for row in results.rows if row.name in names]
    numbers = sorted({number for row in rows for x in row.latency for number in x.starts})
    return [
        {row.name: {cell(x): blocks_of(x, number) for x in model(row)} for row in rows}
        for number in numbers
    ]


def model(row: Row) -> list[Latency]:
    return [latency for latency in row.latency if latency.kind == "model"]


def cell(latency: Latency) -> Cell:
    return latency.batch, latency.threads


def blocks_of(latency: Latency, number: int) -> Blocks:
    pairs = zip(latency.blocks, latency.starts, strict=True)
    return [block for block, start in pairs if start == number]


def answer(rows: Sequence[Row], starts: Sequence[Start]) -> str:
    timed = {row.name: {cell(x): joined(x, row.name, starts) for x in model(row)} for row in rows}
    floats = [row.name for row in rows if row.against_float is None or row.kind == "float"]
    compared = [
        row.model_copy(
            update={
                "latency": tuple(timed[row.name].values()),
                "against_fastest": tuple(
                    speed(name, base, this)
                    for at, this in timed[row.name].items()
                    for name, base in (fastest_float(floats, timed, at),)
                    if name != row.name
                ),
            }
        )
        for row in rows
    ]
    return " | ".join(x.ship.row if x.ship else x.float32 for x in recommendations(compared))


def fastest_float(
    floats: Sequence[str], timed: Mapping[str, Mapping[Cell, Latency]], at: Cell
) -> tuple[str, Latency]:
    latencies = [timed[name][at] for name in floats]
    best = fastest(latencies)
    return floats[best], latencies[best]


def joined(latency: Latency, name: str, starts: Sequence[Start]) -> Latency:
    """The latency that the row would have had with these starts."""
    parts = [(block, n) for n, start in enumerate(starts) for block in start[name][cell(latency)]]
    blocks = tuple(block for block, _ in parts)
    return latency.model_copy(
        update={
            "blocks": blocks,
            "starts": tuple(number for _, number in parts),
            "median": median(median(block) for block in blocks),
        }
    )


if __name__ == "__main__":
    main()
