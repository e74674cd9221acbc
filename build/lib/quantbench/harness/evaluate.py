"""Predict the test samples with every candidate, each in a separate worker process."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from itertools import chain, repeat
from pathlib import Path
from typing import TypeAlias

from pydantic import JsonValue

from quantbench.errors import OutOfTimeError, StorageError, WorkerError
from quantbench.harness.arrays import read_arrays
from quantbench.harness.cluster import Cluster
from quantbench.harness.deadline import EVALUATING, NO_LIMIT, Deadline
from quantbench.harness.pool import (
    Candidate,
    Job,
    Prediction,
    Workers,
    at_once,
    whole_split,
)
from quantbench.harness.records import Skipped
from quantbench.harness.worker import OUTPUT
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
    job: Job,
    candidates: Iterable[Candidate | Skipped],
    workers: Workers,
    cluster: Cluster | None = None,
) -> list[Outcome]:
    """The outputs of each candidate for the test samples, or why it is skipped, in their order.

    Nothing is timed here, so candidates run at the same time: `job.jobs` on this machine, or as
    many as the `cluster` has threads. A candidate that has no outputs when its share of the budget
    is spent is skipped, but the first, which is the baseline, may take its time.
    """

    def evaluate(candidate: Candidate, inputs: dict[str, JsonValue], deadline: Deadline) -> Outcome:
        try:
            return candidate, _outputs(job, candidate, inputs, predict, deadline)
        except OutOfTimeError as error:
            return candidate.skipped(str(error))
        except WorkerError as error:
            return candidate.failed(str(error))

    predict = _on_workers(job, workers) if cluster is None else cluster.prediction(job)
    limits = chain((NO_LIMIT,), repeat(job.deadline.part(EVALUATING)))
    with at_once(job.jobs if cluster is None else cluster.threads) as pool:
        # Taking the next candidate quantizes it, while workers evaluate those before. Its inputs
        # are computed here: in Python 3.11, ast.parse works in one thread only.
        outcomes = [
            _done(candidate)
            if isinstance(candidate, Skipped)
            else pool.submit(evaluate, candidate, evaluation_inputs(job, candidate), next(limits))
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
    job: Job,
    candidate: Candidate,
    inputs: dict[str, JsonValue],
    predict: Prediction,
    deadline: Deadline,
) -> Arrays:
    name = f"{candidate.artifact.body.method}-{candidate.runtime.name}"
    stored = find(job.evaluations, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            predict(candidate, folder, deadline)
            return Evaluation(samples=len(job.task.test))

        stored = save(path_for(job.evaluations, name, inputs), "evaluation", inputs, fill)
    return read_arrays(stored.folder, OUTPUT)


def _on_workers(job: Job, workers: Workers) -> Prediction:
    """Predict in the worker processes of this machine."""

    def predict(candidate: Candidate, folder: Path, deadline: Deadline) -> None:
        worker = workers.get(candidate, deadline)
        answer = worker.ask(whole_split(job, folder), job.schedule.timeout, deadline)
        if "unwritten" in answer:
            raise StorageError(str(answer["unwritten"]))

    return predict
