"""Workers of a study: one process for each candidate, started afresh for each set of rounds."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np

from quantbench.artifact import Artifact
from quantbench.environment import cores
from quantbench.harness.process import Worker
from quantbench.harness.rounds import TIMEOUT
from quantbench.harness.worker import Request
from quantbench.task import Task


@dataclass(frozen=True)
class Candidate:
    """One row to be: an artifact on a runtime."""

    artifact: Artifact
    runtime: str

    @property
    def name(self) -> str:
        return f"{self.artifact.body.method} on {self.runtime}"


class Workers:
    """Started when first asked for, ended together."""

    def __init__(self, task: Task, threads: int) -> None:
        self._task = task
        self._threads = threads
        self._stack = contextlib.ExitStack()
        self._ready: dict[str, Worker] = {}
        self.cold_start: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._scratch = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        np.save(self._images, self._task.test.images, allow_pickle=False)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def _images(self) -> Path:
        return self._scratch / "images.npy"

    def get(self, candidate: Candidate) -> Worker:
        """With the images and the artifact loaded. Raises WorkerError."""
        name = candidate.name
        if name not in self._ready:
            worker = self._start(name)
            request = Request(
                do="load",
                artifact=str(candidate.artifact.folder),
                runtime=candidate.runtime,
                threads=self._threads,
            )
            self.cold_start[name] = cast(float, worker.ask(request, TIMEOUT)["seconds"])
            self._ready[name] = worker
        return self._ready[name]

    def without_model(self) -> Worker:
        return self._start("data")

    def _start(self, name: str) -> Worker:
        worker = self._stack.enter_context(Worker(name, self._threads, self._scratch))
        data = self._task.spec.name
        worker.ask(Request(do="images", images=str(self._images), data=data), TIMEOUT)
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
