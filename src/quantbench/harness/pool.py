"""The worker processes of a study: one a candidate, started afresh for each set of rounds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self, TypeAlias, cast

from pydantic import JsonValue

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import OutOfTimeError
from quantbench.harness.arrays import write_batches
from quantbench.harness.baseline import is_baseline
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.process import WORKER, Worker
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import INPUT, RAW, Request
from quantbench.samples.records import Samples
from quantbench.system.files import writing
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import Environment, cores
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.task import Task

EARLIER = " (A)"
"""The mark of an earlier study's rows beside those of this one."""
BATCH = 1000
BATCH_BYTES = 16 * 2**20
"""The most samples, and the most bytes of inputs, that are held at once."""


@dataclass(frozen=True)
class Job:
    """The measurements to make: of which task, how, and where finished steps are kept.

    `scratch` is a folder for files that nothing needs once the job is done.
    """

    task: Task
    threads: tuple[int, ...]
    schedule: Schedule
    machine: Environment
    evaluations: Path
    timings: Path
    scratch: Path
    progress: Progress = NO_PROGRESS
    deadline: Deadline = NO_LIMIT
    macs: int = 0
    """Multiply-adds of one sample, which bound the largest batch."""
    count: bool = False
    """Count the instructions of each row, too."""
    jobs: int = field(default_factory=cores)
    """Rows that are evaluated, and workers that are started, at a time."""


@dataclass(frozen=True)
class Candidate:
    """An artifact on a runtime, which becomes a row once it is measured."""

    artifact: Artifact
    runtime: Plugin[RuntimeModule]
    earlier: bool = False
    """An earlier study made the artifact: it is measured beside the one that took its place."""

    @property
    def method(self) -> str:
        """The method's name; that of an earlier study's artifact is marked: "static (A)"."""
        return f"{self.artifact.body.method}{EARLIER if self.earlier else ''}"

    @property
    def name(self) -> str:
        """The row's name: "static on torch"."""
        return f"{self.method} on {self.runtime.name}"

    @property
    def place(self) -> tuple[str, str]:
        """Method and runtime, which an artifact shares with the one that took its place."""
        return self.artifact.body.method, self.runtime.name

    @property
    def is_baseline(self) -> bool:
        """Whether it is what the others of its study are compared with."""
        return is_baseline(self.artifact.body.method) and not self.earlier

    def failed(self, reason: str) -> Skipped:
        """Return the record of a row that broke; `reason` may begin with the row's name."""
        return Skipped(
            method=self.method,
            runtime=self.runtime.name,
            reason=reason.removeprefix(f"{self.name} "),
            failed=True,
        )

    def skipped(self, reason: str) -> Skipped:
        """Return the record of a row that can't be measured, though nothing broke."""
        return Skipped(method=self.method, runtime=self.runtime.name, reason=reason)

    def on(self, runtime: Plugin[RuntimeModule]) -> Candidate:
        """Return the same artifact on another runtime."""
        return replace(self, runtime=runtime)

    def inputs(self, machine: Environment) -> dict[str, JsonValue]:
        """Return all that the predictions depend on, but the samples: part of a stored key."""
        libraries = self.runtime.module.LIBRARIES
        return {
            "artifact": self.artifact.sha256,
            "runtime": self.runtime.name,
            "code": {**fingerprint(WORKER, self.runtime.source)},
            "cpu": machine.cpu,
            "instruction_sets": list(machine.instruction_sets),
            "versions": {name: machine.versions.get(name) for name in libraries},
        }


class Workers:
    """Started when first asked for, ended together."""

    def __init__(self, job: Job, threads: int) -> None:
        self._job = job
        self._task = job.task
        self._timeout = job.schedule.timeout
        self.threads = threads
        self._parent = job.scratch
        self._stack = contextlib.ExitStack()
        self._ready: dict[str, Worker] = {}
        self.cold_start: dict[str, float] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack, writing(self._parent):
            folder = tempfile.TemporaryDirectory(dir=self._parent, ignore_cleanup_errors=True)
            self.scratch = Path(stack.enter_context(folder))
            if not self._samples.is_dir():  # one copy serves every start
                write_samples(self._samples, self._task.test, self._task.reader)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def _samples(self) -> Path:
        return self._parent / "test samples"

    def get(self, candidate: Candidate, deadline: Deadline = NO_LIMIT) -> Worker:
        """Return the candidate's worker with samples and artifact loaded.

        Raises WorkerError, and OutOfTimeError where that isn't done by `deadline`.
        """
        name = candidate.name
        if name not in self._ready:
            worker = self._start(name, deadline)
            request = load_request(self._job, candidate, self.threads)
            loaded = worker.ask(request, self._timeout, deadline)
            self.cold_start[name] = cast(float, loaded["seconds"])
            self._ready[name] = worker
        return self._ready[name]

    def end(self) -> None:
        """End all workers now; none can be started after it."""
        self._stack.close()
        self._ready.clear()

    def without_model(self) -> Worker:
        """Start a worker that holds the samples and no artifact. Raises WorkerError."""
        return self._start("data", NO_LIMIT)

    def _start(self, name: str, deadline: Deadline) -> Worker:
        if not deadline.left:
            raise OutOfTimeError(deadline.reason)
        worker = self._stack.enter_context(Worker(name, self.threads, self.scratch))
        request = Request(do="samples", samples=str(self._samples), reader=self._task.reader)
        worker.ask(request, self._timeout, deadline)
        return worker


Prediction: TypeAlias = Callable[[Candidate, Path, Deadline], None]
"""Writes a candidate's outputs for all test samples into a folder, as `whole_split` asks for.

Raises WorkerError, and OutOfTimeError where that isn't done by the deadline.
"""


def whole_split(job: Job, folder: Path) -> Request:
    """Ask for the outputs for all of a worker's samples, to be written into `folder`."""
    fixed = job.task.network.fixed_batch
    return Request(
        do="predict",
        batch=fixed or batch_size(job.task.test),
        pad=fixed is not None,
        out=str(folder.absolute()),
    )


def load_request(job: Job, candidate: Candidate, threads: int) -> Request:
    """Ask a worker to load a candidate."""
    return Request(
        do="load",
        artifact=str(candidate.artifact.folder),
        runtime=candidate.runtime.name,
        threads=threads,
        outputs=job.task.network.outputs,
        batch=job.task.network.fixed_batch or 1,
    )


def write_samples(folder: Path, samples: Samples, reader: str = "") -> None:
    """Write the inputs of samples, and for a `reader` what they are prepared from, for workers.

    `folder` appears once all is written. Raises OSError.
    """
    unfinished = Path(tempfile.mkdtemp(dir=folder.parent))
    write_batches(unfinished, INPUT, samples.batches(batch_size(samples)), len(samples))
    if reader:
        write_batches(unfinished, RAW, (samples.stored,), len(samples))
    unfinished.rename(folder)


def batch_size(samples: Samples) -> int:
    """The number of samples that are prepared and evaluated at once, within BATCH_BYTES."""
    sample = sum(array.nbytes for array in samples.inputs(0, 1))
    return max(1, min(BATCH, BATCH_BYTES // max(sample, 1)))


@contextlib.contextmanager
def at_once(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Run calls in `jobs` threads; an error doesn't wait for those that run."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:  # Ctrl-C too: a call may still take minutes
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
