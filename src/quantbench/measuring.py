"""Answers and times of every candidate, each in a worker process of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifact import Artifact
from quantbench.contracts import Say, Track
from quantbench.environment import cores
from quantbench.errors import WorkerError
from quantbench.harness.process import Worker
from quantbench.harness.rounds import TIMEOUT, Plan, Timing, time_in_turn
from quantbench.harness.worker import Request
from quantbench.records import Environment, Latency, Record, Skipped
from quantbench.storage import find, key, path_for, save, sha256_of
from quantbench.task import Task

_EVALUATION_BATCH = 1000
BASELINE = "float32"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One row to be: an artifact on a runtime."""

    artifact: Artifact
    runtime: str

    @property
    def name(self) -> str:
        return f"{self.artifact.body.method} on {self.runtime}"


class Evaluation(Record):
    """Of a stored `logits.npy`, float32 [N, K]."""

    images: int


class Timings(Record):
    rows: tuple[Timing, ...]
    data_loading: Latency


@dataclass(frozen=True)
class Measured:
    """Of each candidate that could be measured, in their order."""

    candidates: tuple[Candidate, ...]
    logits: tuple[NDArray[np.float32], ...]
    timings: Timings
    environment: Environment
    skipped: tuple[Skipped, ...]


def measure(
    task: Task,
    candidates: Iterable[Candidate | Skipped],
    threads: int,
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
    with _Workers(task, threads) as workers:
        answers = _evaluate_all(task, candidates, machine, evaluations, workers, track)
        working = {one: logits for one, logits in answers if not isinstance(one, Skipped)}
        skipped = [one for one, _ in answers if isinstance(one, Skipped)]
        timed = None
        while timed is None:
            _require_baseline(working, skipped)
            rows = list(working)
            try:
                timed = _time_all(task, rows, threads, plan, machine, timings, workers, track, say)
            except WorkerError as error:
                failed = next((one for one in rows if one.name == error.worker), None)
                if failed is None:
                    raise
                say(f"{error}; measuring again without it")
                del working[failed]
                skipped.append(_skipped(failed, error))
    return Measured(tuple(working), tuple(working.values()), timed, machine, tuple(skipped))


def _require_baseline(working: Iterable[Candidate], skipped: Iterable[Skipped]) -> None:
    if not any(candidate.artifact.body.method == BASELINE for candidate in working):
        reasons = "; ".join(f"{s.runtime}: {s.reason}" for s in skipped if s.method == BASELINE)
        raise WorkerError(f"{BASELINE}, which all is compared with, could not run: {reasons}")


def _skipped(candidate: Candidate, error: WorkerError) -> Skipped:
    method = candidate.artifact.body.method
    return Skipped(method=method, runtime=candidate.runtime, reason=str(error))


class _Workers:
    """Started when first asked for, ended together."""

    def __init__(self, task: Task, threads: int) -> None:
        self._task = task
        self._threads = threads
        self._stack = contextlib.ExitStack()
        self._ready: dict[str, Worker] = {}

    def __enter__(self) -> Self:
        self.scratch = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        np.save(self._images, self._task.test.images, allow_pickle=False)
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def end(self) -> None:
        self._stack.close()

    @property
    def _images(self) -> Path:
        return self.scratch / "images.npy"

    def get(self, candidate: Candidate) -> Worker:
        """With the images and the artifact loaded. Raises WorkerError."""
        if candidate.name not in self._ready:
            worker = self._start(candidate.name)
            request = Request(
                do="load",
                artifact=str(candidate.artifact.folder),
                runtime=candidate.runtime,
                threads=self._threads,
            )
            worker.ask(request, TIMEOUT)
            self._ready[candidate.name] = worker
        return self._ready[candidate.name]

    def without_model(self) -> Worker:
        return self._start("data")

    def _start(self, name: str) -> Worker:
        worker = self._stack.enter_context(Worker(name, self._threads, self.scratch))
        data = self._task.spec.name
        worker.ask(Request(do="images", images=str(self._images), data=data), TIMEOUT)
        return worker


Answer: TypeAlias = "Future[tuple[Candidate | Skipped, NDArray[np.float32]]]"
_NOTHING = np.zeros((0, 0), np.float32)


def _evaluate_all(
    task: Task,
    candidates: Iterable[Candidate | Skipped],
    machine: Environment,
    parent: Path,
    workers: _Workers,
    track: Track,
) -> list[tuple[Candidate | Skipped, NDArray[np.float32]]]:
    """Each one's logits, or why it is skipped. Nothing is timed here, so they run at once."""

    def evaluate(candidate: Candidate) -> tuple[Candidate | Skipped, NDArray[np.float32]]:
        try:
            return candidate, _logits(task, candidate, machine, parent, workers)
        except WorkerError as error:
            return _skipped(candidate, error), _NOTHING

    with ThreadPoolExecutor(cores()) as pool:
        try:
            # Submitting takes the next candidate, which quantizes it while a worker answers.
            answers = [
                _done((one, _NOTHING)) if isinstance(one, Skipped) else pool.submit(evaluate, one)
                for one in candidates
            ]
            return [answer.result() for answer in track(answers, "evaluating", len(answers))]
        except BaseException:  # nobody waits for the answers that are still to come
            pool.shutdown(wait=False, cancel_futures=True)
            workers.end()
            raise


def _done(answer: tuple[Skipped, NDArray[np.float32]]) -> Answer:
    future: Answer = Future()
    future.set_result(answer)
    return future


def _logits(
    task: Task, candidate: Candidate, machine: Environment, parent: Path, workers: _Workers
) -> NDArray[np.float32]:
    name = f"{candidate.artifact.body.method}-{candidate.runtime}"
    inputs = _row_inputs(candidate, machine) | {"test": task.test.sha256}
    stored = find(parent, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            request = Request(do="predict", batch=_EVALUATION_BATCH, out=str(folder / "logits.npy"))
            workers.get(candidate).ask(request, TIMEOUT)
            return Evaluation(images=len(task.test))

        stored = save(path_for(parent, name, inputs), "evaluation", inputs, fill)
    logits = np.load(stored.folder / "logits.npy", allow_pickle=False)
    return cast(NDArray[np.float32], logits)


def _time_all(
    task: Task,
    candidates: Sequence[Candidate],
    threads: int,
    plan: Plan,
    machine: Environment,
    parent: Path,
    workers: _Workers,
    track: Track,
    say: Say,
) -> Timings:
    """One step for all rows: their rounds belong together."""
    here = Path(__file__).parent / "harness"
    inputs: dict[str, JsonValue] = {
        "rows": [key(_row_inputs(candidate, machine)) for candidate in candidates],
        "test": task.test.sha256,
        "threads": threads,
        "plan": plan.model_dump(mode="json"),
        "code": {path.stem: sha256_of(path) for path in sorted(here.glob("*.py"))},
    }
    stored = find(parent, "timing", "timing", inputs, Timings)
    if stored is not None:
        say(f"times from {stored.folder}: nothing that they depend on changed")
        return stored.body
    with ThreadPoolExecutor(cores()) as pool:
        ready = list(pool.map(workers.get, candidates))
    timed, reading = time_in_turn(
        ready, workers.without_model(), task.spec.name, len(task.test), plan, track
    )
    timings = Timings(rows=tuple(timed), data_loading=reading)
    return save(path_for(parent, "timing", inputs), "timing", inputs, lambda _: timings).body


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
