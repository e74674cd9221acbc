"""One row of the page: its artifact in a worker process that is started again when it dies."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from quantbench.errors import WorkerError, WorkerLostError
from quantbench.harness.arrays import read_arrays, write_batches
from quantbench.harness.process import Worker
from quantbench.harness.worker import INPUT, OUTPUT, Request
from quantbench.system.files import writing
from quantbench.system.record import Record
from quantbench.tasks.network import TensorSpec

_LOAD_SECONDS, _ANSWER_SECONDS = 300.0, 20.0
_MAX_STARTS = 3
_CALLS, _WARM = 10, 2

MakeWorker = Callable[[str, int, Path], Worker]


@dataclass(frozen=True)
class ServedRow:
    """A row of a study that the page shows: its artifact's folder, and how it is run."""

    name: str
    artifact: Path
    runtime: str
    threads: int


class RowAnswer(Record):
    """The answer of a row to one digit, or the `fault` that kept it from answering."""

    row: str
    probabilities: tuple[float, ...] = ()
    """Softmax of the outputs, a figure for each class."""
    microseconds: float = 0.0
    """The median time of a call with this digit alone."""
    fault: str = ""


class RowWorker:
    """The worker of a row. One thread at a time uses it.

    It starts at the first call or with `start`, and again at the next call after it has died;
    after three starts in a row without an answer it stays down.
    """

    def __init__(
        self,
        row: ServedRow,
        outputs: tuple[TensorSpec, ...],
        scratch: Path,
        make: MakeWorker = Worker,
    ) -> None:
        self.row = row
        self._outputs = outputs
        self._scratch = scratch
        self._make = make
        self._stack = ExitStack()
        self._worker: Worker | None = None
        self._starts = 0
        self._fault = ""

    def start(self, inputs: NDArray[np.float32]) -> str:
        """Start the worker with a first input, [1, ...], unless it runs; the fault, or ""."""
        try:
            with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
                self._started(Path(folder), inputs)
        except WorkerError as error:
            return str(error)
        return ""

    def answer(self, inputs: NDArray[np.float32]) -> RowAnswer:
        """The row's answer to one input, [1, ...]; a fault of the worker is part of it.

        Raises StorageError where the input can't be written.
        """
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            try:
                return self._answered(Path(folder), inputs)
            except WorkerLostError as error:
                self._lost(str(error))
                return RowAnswer(
                    row=self.row.name, fault=f"{error}; it starts again with the next drawing"
                )
            except WorkerError as error:
                return RowAnswer(row=self.row.name, fault=f"{self.row.name} {error}")

    def close(self) -> None:
        """End the worker."""
        self._worker = None
        self._stack.close()

    def _answered(self, folder: Path, inputs: NDArray[np.float32]) -> RowAnswer:
        worker = self._started(folder, inputs)
        worker.ask(Request(do="predict", out=str(folder)), _ANSWER_SECONDS)
        outputs = np.array(read_arrays(folder, OUTPUT)[0], np.float64).reshape(-1)
        timed = worker.ask(Request(do="time_model", calls=_CALLS, warm=_WARM), _ANSWER_SECONDS)
        self._starts = 0
        return RowAnswer(
            row=self.row.name,
            probabilities=tuple(softmax(outputs).tolist()),
            microseconds=median(cast(list[float], timed["microseconds"])),
        )

    def _started(self, folder: Path, inputs: NDArray[np.float32]) -> Worker:
        """The worker, which has the inputs. Raises WorkerError where it can't be started."""
        with writing(folder):
            write_batches(folder, INPUT, ((inputs,),), len(inputs))
        samples = Request(do="samples", samples=str(folder))
        if self._worker is not None:
            self._worker.ask(samples, _ANSWER_SECONDS)
            return self._worker
        if self._starts == _MAX_STARTS:
            raise WorkerError(f"is down after {_MAX_STARTS} starts: {self._fault}")
        self._starts += 1
        try:
            worker = self._stack.enter_context(
                self._make(self.row.name, self.row.threads, self._scratch)
            )
            worker.ask(samples, _LOAD_SECONDS)
            worker.ask(
                Request(
                    do="load",
                    artifact=str(self.row.artifact),
                    runtime=self.row.runtime,
                    outputs=self._outputs,
                ),
                _LOAD_SECONDS,
            )
        except WorkerError as error:
            self._lost(str(error))
            raise
        self._worker = worker
        return worker

    def _lost(self, fault: str) -> None:
        self._fault = fault
        self.close()
