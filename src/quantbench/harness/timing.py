"""Every candidate's times: a first look at all, then further fresh starts of those that decide."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast

import numpy as np
from pydantic import Field, JsonValue

from quantbench.errors import StorageError, WorkerError
from quantbench.harness.deadline import NO_LIMIT, WARMING, Deadline
from quantbench.harness.noise import Block, Noise, sifted
from quantbench.harness.pool import (
    Candidate,
    Job,
    Workers,
    at_once,
    batch_size,
)
from quantbench.harness.process import Worker
from quantbench.harness.records import Latency, Skipped
from quantbench.harness.schedule import MIN_BLOCKS, Cell, Schedule
from quantbench.harness.slices import Course, Slices, latency, read_in_turn, time_in_turn
from quantbench.harness.worker import Request
from quantbench.system.fingerprint import fingerprint
from quantbench.system.processors import last, siblings
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
    noise: Noise
    load: float | None = Field(
        None, description="of the machine, when the study that took the times began"
    )


Contenders = Callable[[Sequence[Timing | Skipped]], Collection[int]]
"""Names the rows that get further starts, by their times so far."""


@dataclass(frozen=True)
class Contest:
    """A rule for the rows that are started again; `inputs`: what it depends on beside the times.

    The contenders of the first look get the schedule's starts; the finalists among them, by the
    times of all these, as many again.
    """

    contenders: Contenders
    finalists: Contenders = lambda _: ()
    inputs: JsonValue = None


@dataclass(frozen=True)
class _Start:
    """One fresh start of the workers of some rows, at one number of threads."""

    threads: int
    rows: dict[int, Slices]
    cold_start: dict[str, float]
    peak_memory: dict[int, int]
    blocks: tuple[Block, ...]
    seconds: float


def time_all(
    job: Job,
    candidates: Sequence[Candidate],
    workers: Workers,
    contest: Contest | None = None,
) -> Timings:
    """Time the candidates, or take the stored times where no input of theirs changed.

    All rows are one step, since their slices are paired.
    """
    inputs = timing_inputs(job, candidates, contest)
    stored = find(job.timings, "timing", "timing", inputs, Timings)
    if stored is not None:
        job.progress.log(f"times from {stored.folder}: nothing that they depend on changed")
        return stored.body
    timings = times(job, candidates, workers, contest)
    if any(isinstance(row, Skipped) for row in timings.rows):
        return timings  # not stored, so that the next run retries what failed
    try:
        save(path_for(job.timings, "timing", inputs), "timing", inputs, lambda _: timings)
    except StorageError as error:
        job.progress.log(f"warning: these times are not kept for the next run: {error}")
    return timings


def timing_inputs(
    job: Job, candidates: Sequence[Candidate], contest: Contest | None = None
) -> dict[str, JsonValue]:
    """The inputs under which times are stored: all that they depend on."""
    return {
        "rows": [key(candidate.inputs(job.machine)) for candidate in candidates],
        "test": job.task.test.sha256,
        "threads": list(job.threads),
        "schedule": job.schedule.model_dump(mode="json"),
        "budget": job.deadline.seconds,
        "contest": contest.inputs if contest else None,
        "code": {**fingerprint(__name__)},
    }


def times(
    job: Job,
    candidates: Sequence[Candidate],
    workers: Workers,
    contest: Contest | None = None,
) -> Timings:
    """Time the candidates now: a first look at all of them, then further starts of the contenders.

    The first start uses `workers`, which have already predicted the test samples, and ends them;
    each further one starts new processes. Without a contest all rows are started again, and none of
    them is a finalist.
    """
    schedule = schedule_for(job)
    threads, *more_threads = job.threads
    contest = contest if schedule.starts > 1 and not schedule.every else None
    every = dict(enumerate(candidates))
    look = Course(schedule.look_seconds, 0, last(threads), "measuring", _warming(job, threads))
    starts = [_start(job, schedule, every, workers, look, job.deadline)]
    reading = schedule.reading and not job.deadline.spent(WARMING)
    data_loading = _data_loading(job, schedule, workers, look) if reading else None
    workers.end()
    able = {i: c for i, c in every.items() if starts[0].rows[i].failure is None}
    chosen = contest.contenders(_timings(every, starts)) if contest else able
    again = {i: able[i] for i in sorted(chosen) if i in able}
    plan = [(threads, again, schedule.without_reading())] * (schedule.starts - 1)
    starts += _further_starts(job, plan, len(starts))
    if contest:
        names = contest.finalists(_timings(every, starts))
        finalists = {i: candidate for i, candidate in again.items() if i in names}
        plan = [(threads, finalists, schedule.of_finalists())] * schedule.starts
        starts += _further_starts(job, plan, len(starts))
    reduced = schedule.on_more_threads()
    plan = [(number, able, reduced) for number in more_threads for _ in range(reduced.starts)]
    starts += _further_starts(job, plan, len(starts))
    further = [start for start in starts[1:] if start.threads == threads]
    return Timings(
        rows=tuple(_timings(every, starts)),
        data_loading=data_loading,
        noise=_noise(starts, look.processors, further),
        load=job.machine.load,
    )


def _further_starts(
    job: Job, plan: Sequence[tuple[int, dict[int, Candidate], Schedule]], before: int
) -> Iterator[_Start]:
    """Make fresh starts of some rows, on a number of threads, by a schedule; some were `before`."""
    seconds, end = 0.0, before + len(plan)
    for number, (threads, rows, schedule) in enumerate(plan, start=before):
        if job.deadline.left < seconds:
            return  # what is begun has the time that it takes
        if not rows:
            continue
        left = (end - number) * seconds / 60
        title = (
            f"measuring, start {number + 1} of {end} on "
            f"{threads} thread{'s' if threads > 1 else ''}"
            + (f", about {left:.0f} min left" if left >= 1 else "")
        )
        warming = _warming(job, threads)
        course = Course(schedule.start_seconds, number, last(threads), title, warming)
        with Workers(job, threads) as fresh:
            start = _start(job, schedule, _shuffled(rows, number), fresh, course)
        seconds = start.seconds
        yield start


def _warming(job: Job, threads: int) -> int:
    """Workers that warm up at a time, each on so many threads."""
    return max(1, job.jobs // threads)


def _shuffled(rows: dict[int, Candidate], seed: int) -> dict[int, Candidate]:
    """The rows in random order: workers that start first were 1 to 2 % slower in large batches."""
    order = np.random.default_rng(seed).permutation(list(rows))
    return {int(index): rows[int(index)] for index in order}


def schedule_for(job: Job) -> Schedule:
    """The job's schedule, as far as its task allows: no batch that is too large, no reading.

    A batch holds at most as many samples as are tested, as are evaluated at once, and as take no
    longer than a part of a second.
    """
    fixed = job.task.network.fixed_batch
    batches = (fixed,) if fixed else None
    most = min(len(job.task.test), batch_size(job.task.test), _batch_in_time(job.macs))
    schedule = job.schedule.within(most, batches)
    if job.deadline.seconds is not None:
        schedule = schedule.bounded(job.deadline.left)
    return schedule if job.task.reader else schedule.without_reading()


def _batch_in_time(macs: int) -> int:
    """The largest power of two whose multiply-adds are within _BATCH_MACS, 8 at least."""
    return max(8, 1 << int(math.log2(max(_BATCH_MACS // max(macs, 1), 1))))


def _data_loading(job: Job, schedule: Schedule, workers: Workers, course: Course) -> Latency:
    reading = read_in_turn(workers.without_model(), len(job.task.test), schedule, course)
    calls = [call for block in reading for call in block]
    return latency(("end_to_end", schedule.largest), 1, reading, [0] * len(reading), calls)


def _start(
    job: Job,
    schedule: Schedule,
    candidates: Mapping[int, Candidate],
    workers: Workers,
    course: Course,
    deadline: Deadline = NO_LIMIT,
) -> _Start:
    began, first = time.monotonic(), next(iter(candidates))

    def ready(index: int) -> Worker | WorkerError:
        """Start a worker and run every batch once: some runtimes compile at each new batch size."""
        limit = NO_LIMIT if index == first else deadline.part(WARMING)
        try:
            worker = workers.get(candidates[index], limit)
            for batch in schedule.batches:
                request = Request(do="time_model", batch=batch)
                worker.ask(request, schedule.timeout, limit)
        except WorkerError as error:
            return error
        return worker

    with at_once(job.jobs + 1) as pool:  # so that no processor idles while one of them reads
        started = dict(zip(candidates, pool.map(ready, candidates), strict=True))
    able = {i: worker for i, worker in started.items() if isinstance(worker, Worker)}
    timed, blocks = time_in_turn(
        [*able.values()], len(job.task.test), schedule, course, job.progress, deadline
    )
    rows = dict(zip(able, timed, strict=True))
    rows |= {i: _failed(error) for i, error in started.items() if isinstance(error, WorkerError)}
    memory = {i: _peak_memory(able[i], rows[i], schedule.timeout) for i in able}
    seconds = time.monotonic() - began
    return _Start(workers.threads, rows, dict(workers.cold_start), memory, sifted(blocks), seconds)


def _failed(error: WorkerError) -> Slices:
    row = Slices()
    row.fail(error)
    return row


def _peak_memory(worker: Worker, row: Slices, timeout: float) -> int:
    """Bytes that the worker held at most; 0 for one that failed, also at this request."""
    if row.failure is not None:
        return 0
    try:
        return cast(int, worker.ask(Request(do="memory"), timeout)["bytes"])
    except WorkerError as error:
        row.fail(error)
        return 0


def _timings(rows: Mapping[int, Candidate], starts: Sequence[_Start]) -> list[Timing | Skipped]:
    return [_timing(i, candidate, starts) for i, candidate in rows.items()]


def _timing(index: int, candidate: Candidate, starts: Sequence[_Start]) -> Timing | Skipped:
    own = [start for start in starts if index in start.rows]
    for start in own:
        row = start.rows[index]
        if row.failure is not None:
            record = candidate.skipped if row.left_out else candidate.failed
            return record(row.failure)
    cells = dict.fromkeys(
        (start.threads, cell) for start in own for cell in start.rows[index].cells
    )
    return Timing(
        latency=tuple(
            latency(cell, threads, *_joined(index, cell, threads, starts))
            for threads, cell in cells
        ),
        busy_threads=median(own[0].rows[index].busy),
        warm_up=own[0].rows[index].warm_up,
        cold_start=median(start.cold_start[candidate.name] for start in own),
        peak_memory=max(start.peak_memory[index] for start in own),
    )


def _joined(
    index: int, cell: Cell, threads: int, starts: Sequence[_Start]
) -> tuple[list[list[float]], list[int], list[float]]:
    """The kept blocks of a cell, the number of the start that each belongs to, and all calls."""
    own = [
        (number, start)
        for number, start in enumerate(starts)
        if start.threads == threads and cell in start.rows.get(index, _NO_TIMES).cells
    ]
    kept = [
        (slices, number)
        for number, start in own
        for slices in _kept(start.rows[index].cells[cell], start.blocks)
    ]
    calls = [call for _, start in own for call in start.rows[index].calls[cell]]
    return [slices for slices, _ in kept], [number for _, number in kept], calls


def _kept(slices: Sequence[list[float]], blocks: Sequence[Block]) -> list[list[float]]:
    """The blocks that aren't dropped, or all where too few would be left for an interval."""
    kept = [values for values, block in zip(slices, blocks, strict=False) if block.kept]
    return kept if len(kept) >= min(MIN_BLOCKS, len(slices)) else [*slices]


_NO_TIMES = Slices()


def _noise(starts: Sequence[_Start], processors: tuple[int, ...], again: Sequence[_Start]) -> Noise:
    requests = [cost for start in starts for row in start.rows.values() for cost in row.requests]
    return Noise(
        processors=processors,
        siblings=tuple(sorted({other for number in processors for other in siblings(number)})),
        blocks=tuple(block for start in starts for block in start.blocks),
        request=median(requests) if requests else None,
        start_seconds=median(start.seconds for start in again) if again else None,
    )
