"""Time every row in short slices, in turn: the machine's state is then the same for all of them.

docs/measuring.md tells why, and what it is worth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from statistics import median
from typing import cast

import numpy as np

from quantbench.errors import OutOfTimeError, WorkerError
from quantbench.harness.deadline import NO_LIMIT, TIMING, WARMING, Deadline
from quantbench.harness.noise import Block, Clock
from quantbench.harness.order import orders
from quantbench.harness.pool import at_once
from quantbench.harness.process import Worker
from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_BLOCKS, Cell, Schedule
from quantbench.harness.worker import Request
from quantbench.system.progress import Progress


@dataclass
class Slices:
    """The times of one worker in one start; it stops at `failure`, the reason, where it has one.

    `cells`: cell -> microseconds of the median call of each slice, by block. `calls`: cell ->
    microseconds of all calls. `call`: cell -> microseconds of a call, as estimated in the warm-up.
    `busy`: processor time over wall time at the largest batch, by slice. `warm_up`: requests until
    the times were steady. `requests`: microseconds that slices took beside their calls.
    `left_out`: the failure is that no time was left for it.
    """

    cells: dict[Cell, list[list[float]]] = field(default_factory=dict)
    calls: dict[Cell, list[float]] = field(default_factory=dict)
    call: dict[Cell, float] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)
    warm_up: int = 0
    requests: list[float] = field(default_factory=list)
    failure: str | None = None
    left_out: bool = False

    def fail(self, error: WorkerError) -> None:
        """Stop here, for this reason."""
        self.failure, self.left_out = str(error), isinstance(error, OutOfTimeError)

    def add(self, block: int, cell: Cell, calls: list[float]) -> None:
        """Append a slice: microseconds of each call."""
        blocks = self.cells.setdefault(cell, [])
        blocks += [[] for _ in range(block + 1 - len(blocks))]
        blocks[block].append(median(calls))
        self.calls.setdefault(cell, []).extend(calls)


@dataclass(frozen=True)
class Course:
    """One start of some workers: on which processors they are timed, and for how long in all."""

    seconds: float
    number: int = 0
    processors: tuple[int, ...] = ()
    title: str = "measuring"
    warming: int = 1
    """Workers that warm up at a time, on any processor."""


def time_in_turn(
    workers: Sequence[Worker],
    samples: int,
    schedule: Schedule,
    course: Course,
    progress: Progress,
    deadline: Deadline = NO_LIMIT,
) -> tuple[list[Slices], list[Block]]:
    """Warm the workers up, then time one start of each; a worker that fails is left out from then.

    Rows that can't be timed by `deadline` are left out, the slowest first, but never the first row.
    The blocks tell what the machine was like.
    """
    patience = chain((NO_LIMIT,), repeat(deadline.part(WARMING)))
    with at_once(course.warming) as pool:
        warming = [
            pool.submit(_warmed_up, worker, schedule, limit)
            for worker, limit in zip(workers, patience, strict=False)
        ]
        waited = progress.each(
            zip(workers, warming, strict=True), f"{course.title}: warming up", len(workers),
            lambda one: one[0].name,
        )  # fmt: skip
        gathered = [done.result() for _, done in waited]
    for worker, row in zip(workers, gathered, strict=True):
        _pin(worker, row, schedule, course)
    _leave_out_slowest(gathered, schedule, deadline.part(TIMING))
    able = [index for index, row in enumerate(gathered) if row.failure is None]
    if not able:
        return gathered, []
    passes = _passes([gathered[index] for index in able], schedule, course.seconds)
    random = np.random.default_rng(course.number)
    # On a busy machine slices take longer than planned.
    limits = deadline, Deadline(_PATIENCE * course.seconds)
    clock, blocks = Clock(course.number, course.processors), list[Block]()
    order = {cell: orders(len(able), random) for cell in schedule.cells}
    for number, cells in progress.each(_blocks(passes, limits), course.title, len(passes)):
        clock.begin()
        for cell, count in cells.items():
            for turn, places in enumerate(islice(order[cell], count)):
                first = (number * count + turn) * schedule.largest
                first %= max(samples - schedule.largest + 1, 1)
                for place in places:
                    index = able[place]
                    if gathered[index].failure is None:
                        _time(workers[index], number, first, cell, schedule, gathered[index])
        blocks.append(clock.block())
    return gathered, blocks


def _blocks(
    passes: Sequence[Mapping[Cell, int]], limits: Sequence[Deadline]
) -> Iterator[tuple[int, Mapping[Cell, int]]]:
    """Yield the blocks with their numbers, only the fewest once one of the limits has passed."""
    for number, cells in enumerate(passes):
        if number >= MIN_BLOCKS and not all(limit.left for limit in limits):
            return
        yield number, cells


def _passes(rows: Sequence[Slices], schedule: Schedule, seconds: float) -> list[dict[Cell, int]]:
    """The passes of each block at each cell: every cell gets an equal part of `seconds`.

    The loop that reads its samples has one pass in each of the fewest blocks.
    """
    models = [cell for cell in schedule.cells if cell[0] == "model"]
    reading = [cell for cell in schedule.cells if cell[0] != "model"]
    left = seconds - MIN_BLOCKS * sum(_pass_seconds(rows, schedule, cell) for cell in reading)
    share = max(left, 0.5 * seconds) / len(models)
    fit = {cell: share / max(_pass_seconds(rows, schedule, cell), 1e-9) for cell in models}
    number = int(min(schedule.blocks, max(MIN_BLOCKS, min(fit.values()))))
    counts = {cell: max(1, min(schedule.max_passes, round(fit[cell] / number))) for cell in models}
    return [counts | {cell: 1 for cell in reading if block < MIN_BLOCKS} for block in range(number)]


_PATIENCE = 1.3
"""The multiple of the time planned for a start's blocks beyond which only the fewest are made."""
_REQUEST_SECONDS = 3e-4
"""A request and its answer, about."""


def _pass_seconds(rows: Sequence[Slices], schedule: Schedule, cell: Cell) -> float:
    """Seconds of one pass of all rows at a cell, as estimated in the warm-up."""
    return sum(_slice_seconds(row, schedule, cell) for row in rows)


def _slice_seconds(row: Slices, schedule: Schedule, cell: Cell) -> float:
    calls = schedule.calls(row.call[cell]) if cell[0] == "model" else 1
    return _REQUEST_SECONDS + (calls + _warm(calls)) * row.call[cell] / 1e6


def _warm(calls: int) -> int:
    """Calls that aren't counted: other rows ran since and took the caches."""
    return -(-calls // 10) if calls > 1 else 0


def _leave_out_slowest(gathered: Sequence[Slices], schedule: Schedule, deadline: Deadline) -> None:
    """Mark the rows that don't fit into what is left, at the fewest blocks; the first one does."""

    def seconds(row: Slices) -> float:
        return MIN_BLOCKS * sum(_slice_seconds(row, schedule, cell) for cell in schedule.cells)

    left = deadline.left
    able = [row for row in gathered if row.failure is None]
    for place, row in enumerate(sorted(able, key=lambda row: (row is not able[0], seconds(row)))):
        left -= seconds(row)
        if place and left < 0:
            row.fail(OutOfTimeError(deadline.reason))


def read_in_turn(
    worker: Worker, samples: int, schedule: Schedule, course: Course
) -> list[list[float]]:
    """Time reading the data as the end-to-end loop does, without a model: microseconds by block.

    Raises WorkerError.
    """
    worker.ask(Request(do="pin", processors=course.processors), schedule.timeout)
    starts = (
        n * schedule.largest % max(samples - schedule.largest + 1, 1) for n in range(MIN_BLOCKS)
    )
    return [
        _ask(
            worker,
            Request(do="time_data", batch=schedule.largest, start=first),
            schedule.timeout,
        )
        for first in starts
    ]


def latency(
    cell: Cell,
    threads: int,
    blocks: Sequence[Sequence[float]],
    starts: Sequence[int],
    calls: Sequence[float],
) -> Latency:
    """The record of a cell: `blocks` of slices and `calls`, in microseconds a call, by sample.

    `starts` tells the start that each block belongs to.
    """
    kind, batch = cell
    by_sample = tuple(tuple(round(call / batch, 4) for call in slices) for slices in blocks)
    return Latency(
        batch=batch,
        threads=threads,
        kind=kind,
        blocks=by_sample,
        starts=tuple(starts),
        median=median(median(slices) for slices in by_sample),
        p95=float(np.percentile(calls, 95)) / batch,
        p99=float(np.percentile(calls, 99)) / batch,
    )


_STEADY = 3
_MAX_WARM_UP = 60
_WARM_UP_SLICES = 5
"""The length of a request of the warm-up, in slices."""


def _pin(worker: Worker, row: Slices, schedule: Schedule, course: Course) -> None:
    if row.failure is None:
        try:
            worker.ask(Request(do="pin", processors=course.processors), schedule.timeout)
        except WorkerError as error:
            row.fail(error)


def _warmed_up(worker: Worker, schedule: Schedule, deadline: Deadline) -> Slices:
    """Call at the smallest and the largest batch until three requests bring no new best time.

    A new best is faster by 3 %: runtimes that compile, pack or allocate on first use get faster
    until they have done so. The best time determines how many calls fill a slice.
    """
    row = Slices()
    smallest = min(schedule.batches)
    try:
        best = {
            batch: _steady(worker, batch, schedule, row, deadline)
            for batch in dict.fromkeys((smallest, schedule.largest))
        }
        if schedule.reading:
            request = Request(do="time_end_to_end", batch=schedule.largest)
            (row.call["end_to_end", schedule.largest],) = _ask(
                worker, request, schedule.timeout, deadline
            )
    except WorkerError as error:
        row.fail(error)
        return row
    for batch in schedule.batches:
        more = (batch - smallest) * best[schedule.largest] / schedule.largest
        row.call["model", batch] = best[batch] if batch in best else best[smallest] + more
    return row


def _steady(
    worker: Worker, batch: int, schedule: Schedule, row: Slices, deadline: Deadline
) -> float:
    """The best median time of a call, in microseconds, once no request improves on it."""
    best, since, calls = float("inf"), 0, 1
    for _ in range(_MAX_WARM_UP):
        request = Request(do="time_model", batch=batch, calls=calls)
        middle = median(_ask(worker, request, schedule.timeout, deadline))
        row.warm_up += 1
        since = 0 if middle < 0.97 * best else since + 1
        best = min(best, middle)
        calls = min(_WARM_UP_SLICES * schedule.calls(best), schedule.max_calls)
        if since == _STEADY:
            break
    return best


def _time(
    worker: Worker, block: int, first: int, cell: Cell, schedule: Schedule, row: Slices
) -> None:
    kind, batch = cell
    try:
        if kind == "end_to_end":
            request = Request(do="time_end_to_end", batch=batch, start=first)
            row.add(block, cell, _ask(worker, request, schedule.timeout))
            return
        calls = schedule.calls(row.call[cell])
        request = Request(
            do="time_model",
            batch=batch,
            start=first,
            calls=calls,
            warm=_warm(calls),
            group=max(1, int(_GROUP_MICROSECONDS / row.call[cell])),
        )
        began = time.perf_counter()
        answer = worker.ask(request, schedule.timeout)
        whole = (time.perf_counter() - began) * 1e6
        wall = cast(float, answer["wall"])
        row.requests.append(whole - wall)
        if batch == schedule.largest:
            row.busy.append(cast(float, answer["cpu"]) / wall)
        row.add(block, cell, cast(list[float], answer["microseconds"]))
    except WorkerError as error:
        row.fail(error)


_GROUP_MICROSECONDS = 20.0
"""Calls that are shorter are timed several at once: reading the clock takes 0.05 us."""


def _ask(
    worker: Worker, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
) -> list[float]:
    return cast(list[float], worker.ask(request, timeout, deadline)["microseconds"])
