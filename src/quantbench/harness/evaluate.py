"""Predict the test samples with every candidate, each in a separate worker process."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeAlias

from pydantic import JsonValue

from quantbench.errors import StorageError, WorkerError
from quantbench.harness.arrays import read_arrays
from quantbench.harness.pool import (
    Candidate,
    Job,
    Workers,
    at_once,
    batch_size,
)
from quantbench.harness.records import Skipped
from quantbench.harness.worker import OUTPUT, Request
from quantbench.samples.records import Arrays
from quantbench.system.fingerprint import fingerprint
from quantbench.system.record import Record
from quantbench.system.store import find, path_for, save

Outcome: TypeAlias = tuple[Candidate, Arrays] | Skipped
"""A candidate with its outputs, one array [N, ...] each, or why it has none."""


class Evaluation(Record):
    """The record beside the stored outputs `output-0.npy`, ..., [N, ...]; `samples` is N."""

    samples: int


def evaluate_all(
    job: Job, candidates: Iterable[Candidate | Skipped], workers: Workers
) -> list[Outcome]:
    """The outputs of each candidate for the test samples, or why it is skipped, in their order.

    Nothing is timed here, so candidates run at the same time, as many as the machine has cores.
    """

    def evaluate(candidate: Candidate, inputs: dict[str, JsonValue]) -> Outcome:
        try:
            return candidate, _outputs(job, candidate, inputs, workers)
        except WorkerError as error:
            return candidate.failed(str(error))

    with at_once() as pool:
        # Taking the next candidate quantizes it, while workers evaluate those before. Its inputs
        # are computed here: in Python 3.11, ast.parse works in one thread only.
        outcomes = [
            _done(candidate)
            if isinstance(candidate, Skipped)
            else pool.submit(evaluate, candidate, evaluation_inputs(job, candidate))
            for candidate in candidates
        ]
        return [
            outcome.result() for outcome in job.progress.each(outcomes, "evaluating", len(outcomes))
        ]


def evaluation_inputs(job: Job, candidate: Candidate) -> dict[str, JsonValue]:
    """The inputs under which a candidate's outputs are stored: all that they depend on."""
    return {
        "row": candidate.inputs(job.machine),
        "test": job.task.test.sha256,
        "code": {**fingerprint(__name__)},
    }


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _outputs(
    job: Job, candidate: Candidate, inputs: dict[str, JsonValue], workers: Workers
) -> Arrays:
    name = f"{candidate.artifact.body.method}-{candidate.runtime.name}"
    stored = find(job.evaluations, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            fixed = job.task.network.fixed_batch
            request = Request(
                do="predict",
                batch=fixed or batch_size(job.task.test),
                pad=fixed is not None,
                out=str(folder.absolute()),
            )
            answer = workers.get(candidate).ask(request, job.schedule.timeout)
            if "unwritten" in answer:
                raise StorageError(str(answer["unwritten"]))
            return Evaluation(samples=len(job.task.test))

        stored = save(path_for(job.evaluations, name, inputs), "evaluation", inputs, fill)
    return read_arrays(stored.folder, OUTPUT)
