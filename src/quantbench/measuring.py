"""Answers and times of every candidate, each in a worker process of its own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, JsonValue

from quantbench import plugins
from quantbench.contracts import Say, Track
from quantbench.errors import WorkerError
from quantbench.harness.process import Worker
from quantbench.harness.rounds import (
    TIMEOUT,
    Cell,
    Plan,
    Rounds,
    latency,
    read_in_turn,
    time_in_turn,
)
from quantbench.harness.worker import Request
from quantbench.records import Environment, Latency, Record, Skipped
from quantbench.storage import find, key, path_for, save, sha256_of
from quantbench.task import Task
from quantbench.workers import Candidate, Workers, at_once

BASELINE = "float32"
_EVALUATION_BATCH = 1000


class Evaluation(Record):
    """Of a stored `logits.npy`, float32 [N, K]."""

    images: int


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
class Measured:
    """Of each candidate that could be measured, in their order."""

    candidates: tuple[Candidate, ...]
    logits: tuple[NDArray[np.float32], ...]
    timings: tuple[Timing, ...]
    data_loading: Latency
    environment: Environment
    skipped: tuple[Skipped, ...]


@dataclass
class _Start:
    """One fresh start of every worker, at one number of threads."""

    threads: int
    rounds: list[Rounds]
    cold_start: dict[str, float]
    peak_memory: list[int]


def measure(
    task: Task,
    candidates: Iterable[Candidate | Skipped],
    threads: Sequence[int],
    plan: Plan,
    machine: Environment,
    folders: tuple[Path, Path],
    track: Track,
    say: Say,
) -> Measured:
    """Stored answers and times where nothing that they depend on changed, else new ones.

    A candidate whose worker fails is skipped with its reason. `folders` are for the
    evaluations and for the timings. Raises WorkerError where no float32 could be run.
    """
    evaluations, timings = folders
    with Workers(task, threads[0]) as workers:
        answers = _evaluate_all(task, candidates, machine, evaluations, workers, track)
        working = [(one, logits) for one, logits in answers if not isinstance(one, Skipped)]
        timed = _timings(
            task, [one for one, _ in working], threads, plan, machine, timings, workers, track, say
        )
    rows = [
        (one, logits, timing)
        for (one, logits), timing in zip(working, timed.rows, strict=True)
        if isinstance(timing, Timing)
    ]
    skipped = [one for one, _ in answers if isinstance(one, Skipped)] + [
        _skipped(one, timing)
        for (one, _), timing in zip(working, timed.rows, strict=True)
        if isinstance(timing, str)
    ]
    if not any(one.artifact.body.method == BASELINE for one, _, _ in rows):
        reasons = "; ".join(f"{s.runtime}: {s.reason}" for s in skipped if s.method == BASELINE)
        raise WorkerError(f"{BASELINE}, which all is compared with, could not run: {reasons}")
    return Measured(
        candidates=tuple(one for one, _, _ in rows),
        logits=tuple(logits for _, logits, _ in rows),
        timings=tuple(timing for _, _, timing in rows),
        data_loading=timed.data_loading,
        environment=machine.model_copy(update={"load": timed.load}),
        skipped=tuple(skipped),
    )


def _skipped(candidate: Candidate, reason: str) -> Skipped:
    body = candidate.artifact.body
    return Skipped(method=body.method, runtime=candidate.runtime, reason=reason)


Answer: TypeAlias = "Future[tuple[Candidate | Skipped, NDArray[np.float32]]]"
_NOTHING = np.zeros((0, 0), np.float32)


def _evaluate_all(
    task: Task,
    candidates: Iterable[Candidate | Skipped],
    machine: Environment,
    parent: Path,
    workers: Workers,
    track: Track,
) -> list[tuple[Candidate | Skipped, NDArray[np.float32]]]:
    """Each one's logits, or why it is skipped. Nothing is timed here, so they run at once."""

    def evaluate(candidate: Candidate) -> tuple[Candidate | Skipped, NDArray[np.float32]]:
        try:
            return candidate, _logits(task, candidate, machine, parent, workers)
        except WorkerError as error:
            return _skipped(candidate, str(error)), _NOTHING

    with at_once() as pool:
        # Submitting takes the next candidate, which quantizes it while a worker answers.
        answers = [
            _done((one, _NOTHING)) if isinstance(one, Skipped) else pool.submit(evaluate, one)
            for one in candidates
        ]
        return [answer.result() for answer in track(answers, "evaluating", len(answers))]


def _done(answer: tuple[Skipped, NDArray[np.float32]]) -> Answer:
    future: Answer = Future()
    future.set_result(answer)
    return future


def _logits(
    task: Task, candidate: Candidate, machine: Environment, parent: Path, workers: Workers
) -> NDArray[np.float32]:
    name = f"{candidate.artifact.body.method}-{candidate.runtime}"
    inputs = _row_inputs(candidate, machine) | {"test": task.test.sha256}
    stored = find(parent, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            answered = workers.scratch / f"{name}.npy"
            request = Request(do="predict", batch=_EVALUATION_BATCH, out=str(answered))
            workers.get(candidate).ask(request, TIMEOUT)
            # Copied here, so that a full disk is the study's error and not the row's.
            shutil.copyfile(answered, folder / "logits.npy")
            return Evaluation(images=len(task.test))

        stored = save(path_for(parent, name, inputs), "evaluation", inputs, fill)
    logits = np.load(stored.folder / "logits.npy", allow_pickle=False)
    return cast(NDArray[np.float32], logits)


def _timings(
    task: Task,
    candidates: Sequence[Candidate],
    threads: Sequence[int],
    plan: Plan,
    machine: Environment,
    parent: Path,
    workers: Workers,
    track: Track,
    say: Say,
) -> Timings:
    """One step for all rows: their rounds belong together."""
    here = Path(__file__).parent / "harness"
    inputs: dict[str, JsonValue] = {
        "rows": [key(_row_inputs(candidate, machine)) for candidate in candidates],
        "test": task.test.sha256,
        "threads": list(threads),
        "plan": plan.model_dump(mode="json"),
        "code": {path.stem: sha256_of(path) for path in sorted(here.glob("*.py"))},
    }
    stored = find(parent, "timing", "timing", inputs, Timings)
    if stored is not None:
        say(f"times from {stored.folder}: nothing that they depend on changed")
        return stored.body
    timings = _time_all(task, candidates, threads, plan, workers, track)
    timings = timings.model_copy(update={"load": machine.load})
    if any(isinstance(row, str) for row in timings.rows):
        return timings  # what failed is tried again next time
    return save(path_for(parent, "timing", inputs), "timing", inputs, lambda _: timings).body


def _time_all(
    task: Task,
    candidates: Sequence[Candidate],
    threads: Sequence[int],
    plan: Plan,
    workers: Workers,
    track: Track,
) -> Timings:
    """The first start takes the workers that answered; more follow while time allows."""
    plan = plan.within(len(task.test))
    began = time.monotonic()
    starts = [_start(task, candidates, plan, workers, threads[0], track, 1)]
    reading = read_in_turn(workers.without_model(), task.spec.name, len(task.test), plan)
    for count in threads[1:]:
        with Workers(task, count) as fresh:
            starts.append(_start(task, candidates, plan, fresh, count, track, 1))
    number, spent = 1, time.monotonic() - began
    while number < plan.starts or spent * (number + 1) / number < plan.budget:
        number += 1
        for count in threads:
            with Workers(task, count) as fresh:
                starts.append(_start(task, candidates, plan, fresh, count, track, number))
        spent = time.monotonic() - began
    return Timings(
        rows=tuple(_timing(i, one, starts) for i, one in enumerate(candidates)),
        data_loading=latency(("end_to_end", plan.largest), 1, reading, [0] * len(reading)),
    )


def _start(
    task: Task,
    candidates: Sequence[Candidate],
    plan: Plan,
    workers: Workers,
    threads: int,
    track: Track,
    number: int,
) -> _Start:
    def ready(candidate: Candidate) -> Worker | WorkerError:
        try:
            return workers.get(candidate)
        except WorkerError as error:
            return error

    with at_once() as pool:
        found = list(pool.map(ready, candidates))
    able = [worker for worker in found if isinstance(worker, Worker)]
    title = f"measuring, start {number}" + (f", {threads} threads" if threads > 1 else "")
    timed = iter(time_in_turn(able, task.spec.name, len(task.test), plan, track, title))
    rounds = [
        next(timed) if isinstance(worker, Worker) else Rounds(failure=str(worker))
        for worker in found
    ]
    memory = [_peak_memory(w, r) for w, r in zip(found, rounds, strict=True)]
    return _Start(threads, rounds, dict(workers.cold_start), memory)


def _peak_memory(worker: Worker | WorkerError, rounds: Rounds) -> int:
    """0 for a worker that failed, be it only now."""
    if isinstance(worker, WorkerError) or rounds.failure is not None:
        return 0
    try:
        return cast(int, worker.ask(Request(do="memory"), TIMEOUT)["bytes"])
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
            for threads in dict.fromkeys(start.threads for start in starts)
            for cell in mine[0].cells
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


def _row_inputs(candidate: Candidate, machine: Environment) -> dict[str, JsonValue]:
    """All that a row's answers depend on, but the images."""
    libraries = plugins.runtime(candidate.runtime).LIBRARIES
    return {
        "artifact": candidate.artifact.sha256,
        "runtime": candidate.runtime,
        "code": sha256_of(plugins.source("runtimes", candidate.runtime)),
        "cpu": machine.cpu,
        "instruction_sets": list(machine.instruction_sets),
        "versions": {name: machine.versions.get(name) for name in libraries},
    }
