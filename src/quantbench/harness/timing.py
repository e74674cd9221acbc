"""Every candidate's times, from as many fresh starts of its worker as the schedule allows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast

from pydantic import Field, JsonValue

from quantbench.errors import StorageError, WorkerError
from quantbench.harness.pool import (
    Candidate,
    Job,
    Workers,
    at_once,
)
from quantbench.harness.process import Worker
from quantbench.harness.records import Latency
from quantbench.harness.rounds import Rounds, latency, read_in_turn, time_in_turn
from quantbench.harness.schedule import Cell, Schedule
from quantbench.harness.worker import Request
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import cores
from quantbench.system.record import Record
from quantbench.system.store import (
    find,
    key,
    path_for,
    save,
)


class Timing(Record):
    """Of one candidate: every kind, batch and number of threads, over all starts."""

    latency: tuple[Latency, ...]
    busy_threads: float
    warm_up: int
    cold_start: float
    peak_memory: int


class Timings(Record):
    """By candidate: its times, or why it has none."""

    rows: tuple[Timing | str, ...]
    data_loading: Latency
    load: float | None = Field(None, description="when the study began that took them")


@dataclass(frozen=True)
class _Start:
    """One fresh start of every worker, at one number of threads."""

    threads: int
    rounds: list[Rounds]
    cold_start: dict[str, float]
    peak_memory: list[int]


def time_all(job: Job, candidates: Sequence[Candidate], workers: Workers) -> Timings:
    """The stored times where nothing that they depend on changed, else new ones.

    One step for all rows: their rounds belong together.
    """
    inputs = timing_inputs(job, candidates)
    stored = find(job.timings, "timing", "timing", inputs, Timings)
    if stored is not None:
        job.progress.log(f"times from {stored.folder}: nothing that they depend on changed")
        return stored.body
    timings = times(job, candidates, workers)
    if any(isinstance(row, str) for row in timings.rows):
        return timings  # what failed is tried again next time
    try:
        save(path_for(job.timings, "timing", inputs), "timing", inputs, lambda _: timings)
    except StorageError as error:
        job.progress.log(f"warning: these times are not kept for the next run: {error}")
    return timings


def timing_inputs(job: Job, candidates: Sequence[Candidate]) -> dict[str, JsonValue]:
    """All that the times depend on."""
    return {
        "rows": [key(candidate.inputs(job.machine)) for candidate in candidates],
        "test": job.task.test.sha256,
        "threads": list(job.threads),
        "schedule": job.schedule.model_dump(mode="json"),
        "code": {**fingerprint(__name__)},
    }


def times(job: Job, candidates: Sequence[Candidate], workers: Workers) -> Timings:
    """Measured anew. The first start takes the workers that answered; more follow in time."""
    began, images = time.monotonic(), len(job.task.test)
    schedule = job.schedule.within(images)
    first, *others = job.threads
    starts = [_start(job, schedule, candidates, workers, first, "measuring")]
    reading = read_in_turn(workers.without_model(), job.task.spec.name, images, schedule)
    # These workers were loaded while others answered; loading will be all that is done.
    seconds = time.monotonic() - began + sum(workers.cold_start.values()) / cores()
    ahead = [(first, schedule)] * (schedule.starts_in(seconds) - 1)
    more = schedule.on_more_threads()
    ahead += [(threads, more) for threads in others for _ in range(more.starts)]
    for number, (threads, its) in enumerate(ahead):
        left = (len(ahead) - number) * seconds / 60
        title = (
            f"measuring, start {number + 2} of {len(ahead) + 1} on "
            f"{threads} thread{'s' if threads > 1 else ''}, about {left:.0f} min left"
        )
        began = time.monotonic()
        with Workers(job, threads) as fresh:
            starts.append(_start(job, its, candidates, fresh, threads, title))
        seconds = time.monotonic() - began
    return Timings(
        rows=tuple(_timing(i, one, starts) for i, one in enumerate(candidates)),
        data_loading=latency(("end_to_end", schedule.largest), 1, reading, [0] * len(reading)),
        load=job.machine.load,
    )


def _start(
    job: Job,
    schedule: Schedule,
    candidates: Sequence[Candidate],
    workers: Workers,
    threads: int,
    title: str,
) -> _Start:
    def ready(candidate: Candidate) -> Worker | WorkerError:
        """Every batch once: some engines compile when they first see one, minutes in all."""
        try:
            worker = workers.get(candidate)
            for batch in schedule.batches:
                worker.ask(Request(do="time_model", batch=batch), schedule.timeout)
        except WorkerError as error:
            return error
        return worker

    with at_once() as pool:
        found = list(pool.map(ready, candidates))
    able = [worker for worker in found if isinstance(worker, Worker)]
    images = len(job.task.test)
    timed = iter(time_in_turn(able, job.task.spec.name, images, schedule, job.progress, title))
    rounds = [
        next(timed) if isinstance(worker, Worker) else Rounds(failure=str(worker))
        for worker in found
    ]
    memory = [_peak_memory(w, r, schedule.timeout) for w, r in zip(found, rounds, strict=True)]
    return _Start(threads, rounds, dict(workers.cold_start), memory)


def _peak_memory(worker: Worker | WorkerError, rounds: Rounds, timeout: float) -> int:
    """0 for a worker that failed, be it only now."""
    if isinstance(worker, WorkerError) or rounds.failure is not None:
        return 0
    try:
        return cast(int, worker.ask(Request(do="memory"), timeout)["bytes"])
    except WorkerError as error:
        rounds.failure = str(error)
        return 0


def _timing(index: int, candidate: Candidate, starts: Sequence[_Start]) -> Timing | str:
    mine = [start.rounds[index] for start in starts]
    for rounds in mine:
        if rounds.failure is not None:
            return rounds.failure
    return Timing(
        latency=tuple(
            latency(cell, threads, *_joined(index, cell, threads, starts))
            for threads, cell in dict.fromkeys(
                (start.threads, cell) for start in starts for cell in start.rounds[index].cells
            )
        ),
        busy_threads=median(mine[0].busy),
        warm_up=mine[0].warm_up,
        cold_start=median(start.cold_start[candidate.name] for start in starts),
        peak_memory=max(start.peak_memory[index] for start in starts),
    )


def _joined(
    index: int, cell: Cell, threads: int, starts: Sequence[_Start]
) -> tuple[list[list[float]], list[int]]:
    """All rounds of one cell, and of each the start that it belongs to."""
    mine = [start.rounds[index].cells[cell] for start in starts if start.threads == threads]
    return [r for rounds in mine for r in rounds], [i for i, rs in enumerate(mine) for _ in rs]
