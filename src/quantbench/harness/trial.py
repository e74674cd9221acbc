"""Run every artifact on a few samples and compare it with float32 before it is measured.

A quantizer may write what no runtime can run, or what runs and answers something else. The
samples are of the calibration split: test data is for measuring alone. docs/measuring.md says
what "far from float32" means and why.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import get_ident
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Plugin, RuntimeModule
from quantbench.errors import OutOfTimeError, WorkerError, WorkerLostError
from quantbench.harness.arrays import read_arrays
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.pool import Candidate, batch_size, write_samples
from quantbench.harness.process import Worker
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import OUTPUT, Request
from quantbench.samples.records import Arrays, Samples
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import Environment
from quantbench.system.record import Record
from quantbench.system.signals import uninterrupted
from quantbench.system.store import find, path_for, save
from quantbench.tasks.forward import float_outputs
from quantbench.tasks.task import Task

_Place: TypeAlias = tuple[str, int]
"""A runtime, and the thread that asks."""
SAMPLES = 60
"""The last of the calibration split: ranges are observed on its first. It is no batch size that a
study times, as runtimes compile for each of those."""
SHARED = 0.5
"""The least share of the answers' variance that must be float32's."""
_FLAT = 1e-3


class Trial(Record):
    """The outcome of one artifact on one runtime; `reason` says why it isn't used, or is None."""

    answered: bool
    reason: str | None


class Trials:
    """Try artifacts in a worker process for each runtime, started when it is first needed.

    A thread has workers of its own, so that several may ask. `parent` is where outcomes are kept,
    so that none is found out twice; `scratch` is a folder for what is needed only meanwhile.
    """

    def __init__(
        self,
        task: Task,
        parent: Path,
        scratch: Path,
        machine: Environment,
        timeout: float = Schedule().timeout,
    ) -> None:
        self._task = task
        self._parent = parent
        self._parent_of_scratch = scratch
        self._machine = machine
        self._timeout = timeout
        self._stack = contextlib.ExitStack()
        self._workers: dict[_Place, tuple[Worker, contextlib.ExitStack]] = {}

    def __enter__(self) -> Self:
        folder = tempfile.TemporaryDirectory(dir=self._parent_of_scratch, prefix="trials-")
        self._scratch = Path(self._stack.enter_context(folder))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def ready(self, artifact: Artifact, runtimes: Sequence[Plugin[RuntimeModule]]) -> None:
        """Do what only the first thread may do, so that another may ask for `failures`.

        Code is hashed and the float network is run here.
        """
        for runtime in runtimes:
            Candidate(artifact, runtime).inputs(self._machine)
        _ = self._inputs, self._float_outputs, self._samples_folder

    def failures(
        self,
        artifact: Artifact,
        runtimes: Sequence[Plugin[RuntimeModule]],
        deadline: Deadline = NO_LIMIT,
    ) -> dict[str, Skipped]:
        """Map runtimes to why `artifact` has no row there; empty where all is well.

        One runtime that answers near float32 is enough, so the others aren't tried; answers
        that are far from float32 speak against the artifact, so it has no row at all. What
        isn't known by `deadline` has no row either.
        """
        skipped: dict[str, Skipped] = {}
        for runtime in sorted(runtimes, key=_others_first):
            candidate = Candidate(artifact, runtime)
            try:
                trial = self._trial(candidate, deadline)
            except OutOfTimeError as error:
                left_out = {
                    late.name: candidate.on(late).skipped(str(error))
                    for late in runtimes
                    if late.name not in skipped
                }
                return skipped | left_out
            except WorkerLostError as error:
                reason = str(error).removeprefix(f"{_worker_name(runtime)} ")
                skipped[runtime.name] = candidate.failed(reason)
                continue
            if trial.reason is None:
                break
            if trial.answered:
                reason = f"on {runtime.name}, {trial.reason}"
                return {other.name: candidate.on(other).skipped(reason) for other in runtimes}
            skipped[runtime.name] = candidate.skipped(trial.reason)
        return skipped

    def _trial(self, candidate: Candidate, deadline: Deadline) -> Trial:
        """Raises WorkerLostError, which is not kept: another time it may go well."""
        body = candidate.artifact.body
        name = f"{body.method}-{body.format}-{candidate.runtime.name}"
        inputs = candidate.inputs(self._machine) | self._inputs
        stored = find(self._parent, name, "trial", inputs, Trial)
        if stored is None:
            trial = self._try(candidate, deadline)
            stored = save(path_for(self._parent, name, inputs), "trial", inputs, lambda _: trial)
        return stored.body

    def _try(self, candidate: Candidate, deadline: Deadline) -> Trial:
        outputs = self._own_scratch() / f"outputs-{candidate.runtime.name}"
        outputs.mkdir(exist_ok=True)
        if not deadline.left:
            raise OutOfTimeError(deadline.reason)
        worker = self._worker(candidate.runtime, deadline)
        network = self._task.network
        batch = network.fixed_batch or min(SAMPLES, batch_size(self._samples))
        load = Request(
            do="load",
            artifact=str(candidate.artifact.folder),
            runtime=candidate.runtime.name,
            outputs=network.outputs,
            batch=network.fixed_batch or 1,
        )
        try:
            worker.ask(load, self._timeout, deadline)
            pad = network.fixed_batch is not None
            predict = Request(do="predict", batch=batch, pad=pad, out=str(outputs.absolute()))
            worker.ask(predict, self._timeout, deadline)
        except WorkerLostError:
            self._workers.pop(_place(candidate.runtime))[1].close()
            raise
        except WorkerError as error:
            return Trial(answered=False, reason=str(error))
        answers = zip(read_arrays(outputs, OUTPUT), self._float_outputs, strict=True)
        reasons = (far_from(answer, expected) for answer, expected in answers)
        return Trial(answered=True, reason=next(filter(None, reasons), None))

    def _worker(self, runtime: Plugin[RuntimeModule], deadline: Deadline) -> Worker:
        place = _place(runtime)
        if place not in self._workers:
            with uninterrupted():
                stack = self._stack.enter_context(contextlib.ExitStack())
                worker = stack.enter_context(Worker(_worker_name(runtime), 1, self._own_scratch()))
            request = Request(do="samples", samples=str(self._samples_folder))
            worker.ask(request, self._timeout, deadline)
            self._workers[place] = worker, stack
        return self._workers[place][0]

    def _own_scratch(self) -> Path:
        """A folder of the thread that asks: workers of one name keep their logs apart."""
        folder = self._scratch / f"thread-{get_ident()}"
        folder.mkdir(exist_ok=True)
        return folder

    @cached_property
    def _samples(self) -> Samples:
        calibration = self._task.calibration
        return calibration.part(max(len(calibration) - SAMPLES, 0))

    @cached_property
    def _samples_folder(self) -> Path:
        folder = self._scratch / "samples"
        write_samples(folder, self._samples)
        return folder.absolute()

    @cached_property
    def _float_outputs(self) -> Arrays:
        return float_outputs(self._task.network, self._samples, batch_size(self._samples))

    @cached_property
    def _inputs(self) -> dict[str, JsonValue]:
        return {
            "float": self._task.network.sha256,
            "calibration": self._task.calibration.sha256,
            "trial": {**fingerprint(__name__)},
        }


def _place(runtime: Plugin[RuntimeModule]) -> _Place:
    return runtime.name, get_ident()


def far_from(answers: NDArray[np.float32], expected: NDArray[np.float32]) -> str | None:
    """Say why `answers` [samples, ...] aren't a quantized form of `expected`, or return None.

    r^2 is the share of the variance over the samples that the two have in common. Where the
    expected answers don't vary, nothing is claimed.
    """
    found, wanted = (
        (values - values.mean(0)).ravel().astype(np.float64) for values in (answers, expected)
    )
    spread = np.sqrt((wanted**2).mean())
    if spread <= _FLAT * np.sqrt((expected.astype(np.float64) ** 2).mean()):
        return None
    both = (found**2).sum() * (wanted**2).sum()
    shared = (found @ wanted) ** 2 / both if both > 0 and found @ wanted > 0 else 0.0
    if shared >= SHARED:
        return None
    return (
        f"its answers to {len(answers)} calibration samples are far from float32's: they share "
        f"{shared:.0%} of their variance, and less than {SHARED:.0%} is more noise than answer"
    )


def _worker_name(runtime: Plugin[RuntimeModule]) -> str:
    """Name a trial's worker; what it dies of begins with this."""
    return f"trial on {runtime.name}"


def _others_first(runtime: Plugin[RuntimeModule]) -> tuple[bool, str]:
    """Sort runtimes that others made before ours, which are no judges of themselves."""
    return "quantbench" in runtime.module.LIBRARIES, runtime.name
