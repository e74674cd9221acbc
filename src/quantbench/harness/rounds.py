"""Time every row in turn, round by round, so that a drifting clock rate affects all rows alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from statistics import median
from typing import cast

import numpy as np

from quantbench.errors import OutOfTimeError, WorkerError
from quantbench.harness.deadline import NO_LIMIT, TIMING, WARMING, Deadline
from quantbench.harness.process import Worker
from quantbench.harness.records import Latency
from quantbench.harness.schedule import Cell, Schedule
from quantbench.harness.worker import Request
from quantbench.system.progress import Progress


@dataclass
class Rounds:
    """The times of one worker in one start; it stops at `failure`, the reason, where it has one.

    `cells`: cell -> microseconds of each call, by round. `calls`: how many a cell's round has.
    `expected`: seconds of a round, as estimated in the warm-up. `busy`: processor time over wall
    time at the largest batch, by round. `warm_up`: requests until the times were steady.
    `left_out`: the failure is that no time was left for it.
    """

    cells: dict[Cell, list[list[float]]] = field(default_factory=dict)
    calls: dict[Cell, int] = field(default_factory=dict)
    expected: float = 0.0
    busy: list[float] = field(default_factory=list)
    warm_up: int = 0
    failure: str | None = None
    left_out: bool = False

    def fail(self, error: WorkerError) -> None:
        """Stop here, for this reason."""
        self.failure, self.left_out = str(error), isinstance(error, OutOfTimeError)

    def add(self, cell: Cell, calls: list[float]) -> None:
        """Append a round of a cell: microseconds of each call."""
        self.cells.setdefault(cell, []).append(calls)


@dataclass(frozen=True)
class _Turn:
    """One cell of one row in one round."""

    round: int
    cell: Cell
    index: int


def time_in_turn(
    workers: Sequence[Worker],
    samples: int,
    schedule: Schedule,
    progress: Progress,
    title: str,
    deadline: Deadline = NO_LIMIT,
) -> list[Rounds]:
    """Warm the workers up, then time one start of each; a worker that fails is left out from then.

    Within a round all rows are timed at one batch before any is at the next, so that two rows'
    times lie close together. The order rotates by one row each round, so that no row always
    follows the same one. Rows that can't be timed by `deadline` are left out, the slowest first,
    but never the first row.
    """
    warming = progress.each(
        workers, f"{title}: warming up", len(workers), lambda worker: worker.name
    )
    limits = chain((NO_LIMIT,), repeat(deadline.part(WARMING)))
    gathered = [
        _warmed_up(worker, schedule, limit) for worker, limit in zip(warming, limits, strict=False)
    ]
    _leave_out_slowest(gathered, schedule, deadline.part(TIMING))
    able = [index for index, rounds in enumerate(gathered) if rounds.failure is None]
    number = schedule.rounds(sum(gathered[index].expected for index in able))
    turns = progress.each(
        _turns(schedule, able, number, deadline),
        title,
        number * len(schedule.cells) * len(able),
        lambda turn: workers[turn.index].name,
    )
    for turn in turns:
        if gathered[turn.index].failure is None:
            first = turn.round * schedule.largest % max(samples - schedule.largest + 1, 1)
            _time(workers[turn.index], first, turn.cell, schedule, gathered[turn.index])
    return gathered


def _leave_out_slowest(gathered: Sequence[Rounds], schedule: Schedule, deadline: Deadline) -> None:
    """Mark the rows that don't fit into what is left, at the fewest rounds; the first one does."""
    left = deadline.left
    able = [rounds for rounds in gathered if rounds.failure is None]
    for place, rounds in enumerate(sorted(able, key=lambda r: (r is not able[0], r.expected))):
        left -= schedule.min_rounds * rounds.expected
        if place and left < 0:
            rounds.fail(OutOfTimeError(deadline.reason))


def read_in_turn(worker: Worker, samples: int, schedule: Schedule) -> list[list[float]]:
    """Time reading the data as the end-to-end loop does, without a model: microseconds by round.

    Raises WorkerError.
    """
    starts = (
        n * schedule.largest % max(samples - schedule.largest + 1, 1)
        for n in range(schedule.min_rounds)
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
    cell: Cell, threads: int, rounds: Sequence[Sequence[float]], starts: Sequence[int]
) -> Latency:
    """The record of a cell: `rounds`, in microseconds a call, become microseconds a sample.

    `starts` tells the start that each round belongs to.
    """
    kind, batch = cell
    per_sample = tuple(tuple(round(call / batch, 4) for call in calls) for calls in rounds)
    pooled = [value for calls in per_sample for value in calls]
    return Latency(
        batch=batch,
        threads=threads,
        kind=kind,
        rounds=per_sample,
        starts=tuple(starts),
        median=median(median(calls) for calls in per_sample),
        p95=float(np.percentile(pooled, 95)),
        p99=float(np.percentile(pooled, 99)),
    )


def _turns(
    schedule: Schedule, able: Sequence[int], rounds: int, deadline: Deadline
) -> Iterator[_Turn]:
    """Yield the turns of `rounds`, or of the fewest once the deadline has passed."""
    for number in range(rounds):
        if number >= schedule.min_rounds and not deadline.left:
            return
        for cell in schedule.cells:
            for place in range(len(able)):
                yield _Turn(number, cell, able[(place + number) % len(able)])


_STEADY = 3
_MAX_WARM_UP = 60


def _warmed_up(worker: Worker, schedule: Schedule, deadline: Deadline) -> Rounds:
    """Call at the smallest and the largest batch until three requests bring no new best time.

    A new best is faster by 3 %: runtimes that compile, pack or allocate on first use get faster
    until they have done so. The best time determines how many calls fill a cell of a round.
    """
    rounds = Rounds()
    smallest = min(schedule.batches)
    try:
        best = {
            batch: _steady(worker, batch, schedule, rounds, deadline)
            for batch in (smallest, schedule.largest)
        }
        loop = 0.0
        if schedule.reading:
            request = Request(do="time_end_to_end", batch=schedule.largest)
            (loop,) = _ask(worker, request, schedule.timeout, deadline)
    except WorkerError as error:
        rounds.fail(error)
        return rounds
    for cell in schedule.cells:
        kind, batch = cell
        call = best[smallest] + (batch - smallest) * best[schedule.largest] / schedule.largest
        rounds.calls[cell] = schedule.calls(call) if kind == "model" else 1
        rounds.expected += (rounds.calls[cell] * call if kind == "model" else loop) / 1e6
    return rounds


def _steady(
    worker: Worker, batch: int, schedule: Schedule, rounds: Rounds, deadline: Deadline
) -> float:
    """The best median time of a call, in microseconds, once no request improves on it."""
    best, since, calls = float("inf"), 0, 1
    for _ in range(_MAX_WARM_UP):
        request = Request(do="time_model", batch=batch, calls=calls)
        middle = median(_ask(worker, request, schedule.timeout, deadline))
        rounds.warm_up += 1
        since = 0 if middle < 0.97 * best else since + 1
        best = min(best, middle)
        calls = schedule.calls(best)
        if since == _STEADY:
            break
    return best


def _time(worker: Worker, first: int, cell: Cell, schedule: Schedule, rounds: Rounds) -> None:
    kind, batch = cell
    try:
        if kind == "end_to_end":
            request = Request(do="time_end_to_end", batch=batch, start=first)
            times = _ask(worker, request, schedule.timeout)
        else:
            calls = rounds.calls[cell]
            # Other rows ran since and evicted the caches: the first call isn't counted.
            request = Request(
                do="time_model", batch=batch, start=first, calls=calls, warm=calls > 1
            )
            answer = worker.ask(request, schedule.timeout)
            times = cast(list[float], answer["microseconds"])
            if batch == schedule.largest:
                rounds.busy.append(cast(float, answer["cpu"]) / sum(times))
        rounds.add(cell, times)
    except WorkerError as error:
        rounds.fail(error)


def _ask(
    worker: Worker, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
) -> list[float]:
    return cast(list[float], worker.ask(request, timeout, deadline)["microseconds"])
