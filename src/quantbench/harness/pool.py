"""Workers of a study: one process for each candidate, started afresh for each set of rounds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

from pydantic import JsonValue

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.harness.arrays import write_array
from quantbench.harness.process import WORKER, Worker
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import Request
from quantbench.system.files import writing
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import Environment, cores
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.tasks.task import Task


@dataclass(frozen=True)
class Job:
    """What is measured, how, and where finished steps are kept."""

    task: Task
    threads: tuple[int, ...]
    schedule: Schedule
    machine: Environment
    evaluations: Path
    timings: Path
    scratch: Path
    progress: Progress = NO_PROGRESS


@dataclass(frozen=True)
class Candidate:
    """One row to be: an artifact on a runtime."""

    artifact: Artifact
    runtime: Plugin[RuntimeModule]

    @property
    def name(self) -> str:
        return f"{self.artifact.body.method} on {self.runtime.name}"

    def failed(self, reason: str) -> Skipped:
        """`reason` may begin with the worker's name, which is this row's."""
        return Skipped(
            method=self.artifact.body.method,
            runtime=self.runtime.name,
            reason=reason.removeprefix(f"{self.name} "),
            failed=True,
        )

    def skipped(self, reason: str) -> Skipped:
        """It has no row, though nothing broke: `reason` says what it can't do."""
        return Skipped(method=self.artifact.body.method, runtime=self.runtime.name, reason=reason)

    def on(self, runtime: Plugin[RuntimeModule]) -> Candidate:
        """The same artifact on another runtime."""
        return Candidate(self.artifact, runtime)

    def inputs(self, machine: Environment) -> dict[str, JsonValue]:
        """All that its answers depend on, but the images."""
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
        self._task = job.task
        self._timeout = job.schedule.timeout
        # Asked now: later a method may be tracing a network, and that is no one thread's affair.
        self._classes = job.task.classes
        self._threads = threads
        self._parent = job.scratch
        self._stack = contextlib.ExitStack()
        self._ready: dict[str, Worker] = {}
        self.cold_start: dict[str, float] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack, writing(self._parent):
            folder = tempfile.TemporaryDirectory(dir=self._parent, ignore_cleanup_errors=True)
            self.scratch = Path(stack.enter_context(folder))
            write_array(self._images, self._task.test.images)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def _images(self) -> Path:
        return self.scratch / "images.npy"

    def get(self, candidate: Candidate) -> Worker:
        """With the images and the artifact loaded. Raises WorkerError."""
        name = candidate.name
        if name not in self._ready:
            worker = self._start(name)
            request = Request(
                do="load",
                artifact=str(candidate.artifact.folder),
                runtime=candidate.runtime.name,
                threads=self._threads,
                classes=self._classes,
            )
            self.cold_start[name] = cast(float, worker.ask(request, self._timeout)["seconds"])
            self._ready[name] = worker
        return self._ready[name]

    def without_model(self) -> Worker:
        return self._start("data")

    def _start(self, name: str) -> Worker:
        worker = self._stack.enter_context(Worker(name, self._threads, self.scratch))
        data = self._task.spec.name
        worker.ask(Request(do="images", images=str(self._images), data=data), self._timeout)
        return worker


@contextlib.contextmanager
def at_once() -> Iterator[ThreadPoolExecutor]:
    """As many threads as cores. When it is left by an error, nobody waits for what is running."""
    pool = ThreadPoolExecutor(cores())
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
