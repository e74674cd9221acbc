"""One line on the machine: how noisy it was while times were taken, and what that cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import median

from quantbench.harness.records import Latency
from quantbench.report.words import count, joined, percent, spread
from quantbench.results.records import Ratio, Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch
from quantbench.system.machine import Environment, overloaded


def machine_line(results: Results) -> str:
    """The load, the spread of blocks, the starts, what ratios are known to, the processors."""
    return f"Machine: {'; '.join(_parts(results))}."


def _parts(results: Results) -> Iterator[str]:
    yield _load(results.environment)
    noise, batch = results.noise, min((answer.batch for answer in results.answers), default=1)
    float32 = next((answer.float32 for answer in results.answers), None)
    timed = (row for row in results.rows if row.name == float32)
    latency = next((found for row in timed if (found := _at(row.latency, batch))), None)
    dropped = ""
    if noise.blocks:
        lost = sum(not block.kept for block in noise.blocks)
        dropped = f"{lost or 'none'} of {count(len(noise.blocks), 'block')} dropped for stolen time"
    if latency is not None:
        beside = f", {dropped}" if dropped else ""
        yield f"the fastest float32's blocks spread by {percent(spread(latency), 0)}{beside}"
    yield from _starts(results)
    if noise.processors:
        noun = "processor" if len(noise.processors) == 1 else "processors"
        yield f"pinned to {noun} {joined(map(str, noise.processors))}"


def _load(environment: Environment) -> str:
    if environment.load is None:
        return "its load isn't known"
    busy = " (other programs ran)" if overloaded(environment) else ""
    return f"load {environment.load:.1f} at the start{busy}"


def _at(latencies: tuple[Latency, ...], batch: int) -> Latency | None:
    return next((x for x in latencies if x.kind == "model" and x.batch == batch), None)


def _starts(results: Results) -> Iterator[str]:
    """The rows that were started most often, and the half width of their ratios' intervals."""
    ratios = [(row.name, ratio) for row in results.rows for ratio in _ratios(row)]
    if not ratios:
        return
    most = max(ratio.starts for _, ratio in ratios)
    rows = {name for name, ratio in ratios if ratio.starts == most}
    half = median(_half_width(ratio) for _, ratio in ratios if ratio.starts == most)
    yield (
        f"{count(most, 'start')} of {count(len(rows), 'row')}, whose ratios are known to "
        f"within {percent(half)} (median)"
    )


def _ratios(row: Row) -> Iterator[Ratio]:
    """The ratios to the fastest float32 that the table shows."""
    found = (fastest_of(row, latency) for latency in (batch1(row), largest_batch(row, "model")))
    return (ratio for ratio in found if ratio is not None)


def _half_width(ratio: Ratio) -> float:
    """Half the interval, as a share of its middle on a logarithmic scale."""
    return math.sqrt(ratio.high / ratio.low) - 1
