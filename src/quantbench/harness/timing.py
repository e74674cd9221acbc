"""Every candidate's times, from as many fresh starts of its worker as the schedule allows."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast

from pydantic import Field, JsonValue

from quantbench.errors import StorageError, WorkerError
from quantbench.harness.deadline import NO_LIMIT, WARMING, Deadline
from quantbench.harness.pool import (
    Candidate,
    Job,
    Workers,
    at_once,
    batch_size,
)
from quantbench.harness.process import Worker
from quantbench.harness.records import Latency, Skipped
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

_BATCH_MACS = 1_000_000_000
"""Multiply-adds of one call: some tenths of a second in float32 on one core."""


class Timing(Record):
    """The times of one candidate: every kind, batch and number of threads, over all starts.

    `busy_threads` is processor time over wall time at the largest batch; `warm_up` counts
    requests; `cold_start` is in seconds, `peak_memory` in bytes.
    """

    latency: tuple[Latency, ...]
    busy_threads: float
    warm_up: int
    cold_start: float
    peak_memory: int


class Timings(Record):
    """The times of each candidate, in their order, or why it has none."""

    rows: tuple[Timing | Skipped, ...]
    data_loading: Latency | None
    load: float | None = Field(
        None, description="of the machine, when the study that took the times began"
    )


@dataclass(frozen=True)
class _Start:
    """One fresh start of every worker, at one number of threads."""

    threads: int
    rounds: list[Rounds]
    cold_start: dict[str, float]
    peak_memory: list[int]


def time_all(job: Job, candidates: Sequence[Candidate], workers: Workers) -> Timings:
    """Time the candidates, or take the stored times where no input of theirs changed.

    All rows are one step, since their rounds are paired.
    """
    inputs = timing_inputs(job, candidates)
    stored = find(job.timings, "timing", "timing", inputs, Timings)
    if stored is not None:
        job.progress.log(f"times from {stored.folder}: nothing that they depend on changed")
        return stored.body
    timings = times(job, candidates, workers)
    if any(isinstance(row, Skipped) for row in timings.rows):
        return timings  # not stored, so that the next run retries what failed
    try:
        save(path_for(job.timings, "timing", inputs), "timing", inputs, lambda _: timings)
    except StorageError as error:
        job.progress.log(f"warning: these times are not kept for the next run: {error}")
    return timings


def timing_inputs(job: Job, candidates: Sequence[Candidate]) -> dict[str, JsonValue]:
    """The inputs under which times are stored: all that they depend on."""
    return {
        "rows": [key(candidate.inputs(job.machine)) for candidate in candidates],
        "test": job.task.test.sha256,
        "threads": list(job.threads),
        "schedule": job.schedule.model_dump(mode="json"),
        "budget": job.deadline.seconds,
        "code": {**fingerprint(__name__)},
    }


def times(job: Job, candidates: Sequence[Candidate], workers: Workers) -> Timings:
    """Time the candidates now, over as many starts as the schedule's budget allows.

    The first start uses `workers`, which have already predicted the test samples; each further one
    starts new processes.
    """
    began = time.monotonic()
    schedule = schedule_for(job, len(candidates))
    first, *more_threads = job.threads
    starts = [_start(job, schedule, candidates, workers, first, "measuring", job.deadline)]
    reading = schedule.reading and not job.deadline.spent(WARMING)
    data_loading = _data_loading(job, schedule, workers) if reading else None
    # These workers loaded while others predicted; in later starts they load together.
    seconds = time.monotonic() - began + sum(workers.cold_start.values()) / cores()
    further = [(first, schedule)] * (schedule.starts_in(seconds) - 1)
    reduced = schedule.on_more_threads()
    further += [(threads, reduced) for threads in more_threads for _ in range(reduced.starts)]
    for number, (threads, start_schedule) in enumerate(further):
        if job.deadline.left < seconds:
            break  # what is begun has the time that it takes, for a row needs all of its starts
        left = (len(further) - number) * seconds / 60
        title = (
            f"measuring, start {number + 2} of {len(further) + 1} on "
            f"{threads} thread{'s' if threads > 1 else ''}, about {left:.0f} min left"
        )
        began = time.monotonic()
        with Workers(job, threads) as fresh:
            starts.append(_start(job, start_schedule, candidates, fresh, threads, title))
        seconds = time.monotonic() - began
    return Timings(
        rows=tuple(_timing(i, candidate, starts) for i, candidate in enumerate(candidates)),
        data_loading=data_loading,
        load=job.machine.load,
    )


def schedule_for(job: Job, rows: int) -> Schedule:
    """The job's schedule, as far as its task allows: no batch that is too large, no reading.

    A batch holds at most as many samples as are tested, as are evaluated at once, and as take no
    longer than a part of a second.
    """
    fixed = job.task.network.fixed_batch
    batches = (fixed,) if fixed else None
    most = min(len(job.task.test), batch_size(job.task.test), _batch_in_time(job.macs))
    schedule = job.schedule.within(most, batches)
    if job.deadline.seconds is not None:
        schedule = schedule.bounded(job.deadline.left, rows)
    return schedule if job.task.reader else schedule.without_reading()


def _batch_in_time(macs: int) -> int:
    """The largest power of two whose multiply-adds are within _BATCH_MACS, 8 at least."""
    return max(8, 1 << int(math.log2(max(_BATCH_MACS // max(macs, 1), 1))))


def _data_loading(job: Job, schedule: Schedule, workers: Workers) -> Latency:
    reading = read_in_turn(workers.without_model(), len(job.task.test), schedule)
    return latency(("end_to_end", schedule.largest), 1, reading, [0] * len(reading))


def _start(
    job: Job,
    schedule: Schedule,
    candidates: Sequence[Candidate],
    workers: Workers,
    threads: int,
    title: str,
    deadline: Deadline = NO_LIMIT,
) -> _Start:
    def ready(candidate: Candidate) -> Worker | WorkerError:
        """Start a worker and run every batch once: some runtimes compile at each new batch size."""
        limit = NO_LIMIT if candidate is candidates[0] else deadline.part(WARMING)
        try:
            worker = workers.get(candidate, limit)
            for batch in schedule.batches:
                request = Request(do="time_model", batch=batch)
                worker.ask(request, schedule.timeout, limit)
        except WorkerError as error:
            return error
        return worker

    with at_once(job.jobs) as pool:
        started = list(pool.map(ready, candidates))
    able = [worker for worker in started if isinstance(worker, Worker)]
    samples = len(job.task.test)
    timed = iter(time_in_turn(able, samples, schedule, job.progress, title, deadline))
    rounds = [next(timed) if isinstance(worker, Worker) else _failed(worker) for worker in started]
    memory = [_peak_memory(w, r, schedule.timeout) for w, r in zip(started, rounds, strict=True)]
    return _Start(threads, rounds, dict(workers.cold_start), memory)


def _failed(error: WorkerError) -> Rounds:
    rounds = Rounds()
    rounds.fail(error)
    return rounds


def _peak_memory(worker: Worker | WorkerError, rounds: Rounds, timeout: float) -> int:
    """Bytes that the worker held at most; 0 for one that failed, also at this request."""
    if isinstance(worker, WorkerError) or rounds.failure is not None:
        return 0
    try:
        return cast(int, worker.ask(Request(do="memory"), timeout)["bytes"])
    except WorkerError as error:
        rounds.fail(error)
        return 0


def _timing(index: int, candidate: Candidate, starts: Sequence[_Start]) -> Timing | Skipped:
    by_start = [start.rounds[index] for start in starts]
    for rounds in by_start:
        if rounds.failure is not None:
            record = candidate.skipped if rounds.left_out else candidate.failed
            return record(rounds.failure)
    return Timing(
        latency=tuple(
            latency(cell, threads, *_joined(index, cell, threads, starts))
            for threads, cell in dict.fromkeys(
                (start.threads, cell) for start in starts for cell in start.rounds[index].cells
            )
        ),
        busy_threads=median(by_start[0].busy),
        warm_up=by_start[0].warm_up,
        cold_start=median(start.cold_start[candidate.name] for start in starts),
        peak_memory=max(start.peak_memory[index] for start in starts),
    )


def _joined(
    index: int, cell: Cell, threads: int, starts: Sequence[_Start]
) -> tuple[list[list[float]], list[int]]:
    """All rounds of one cell, and the number of the start that each belongs to."""
    by_start = [start.rounds[index].cells[cell] for start in starts if start.threads == threads]
    return (
        [calls for rounds in by_start for calls in rounds],
        [number for number, rounds in enumerate(by_start) for _ in rounds],
    )
