"""Predict the test images with every candidate, each in a separate worker process."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from quantbench.errors import StorageError, WorkerError
from quantbench.harness.pool import (
    Candidate,
    Job,
    Workers,
    at_once,
)
from quantbench.harness.records import Skipped
from quantbench.harness.worker import Request
from quantbench.system.fingerprint import fingerprint
from quantbench.system.record import Record
from quantbench.system.store import find, path_for, save

BATCH = 1000

Logits: TypeAlias = NDArray[np.float32]
"""float32 [N, K] of N images and K classes."""
Outcome: TypeAlias = tuple[Candidate, Logits] | Skipped
"""A candidate with its logits, or why it has none."""


class Evaluation(Record):
    """The record beside a stored `logits.npy`, float32 [N, K]; `images` is N."""

    images: int


def evaluate_all(
    job: Job, candidates: Iterable[Candidate | Skipped], workers: Workers
) -> list[Outcome]:
    """The logits of each candidate for the test images, or why it is skipped, in their order.

    Nothing is timed here, so candidates run at the same time, as many as the machine has cores.
    """

    def evaluate(candidate: Candidate, inputs: dict[str, JsonValue]) -> Outcome:
        try:
            return candidate, _logits(job, candidate, inputs, workers)
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
    """The inputs under which a candidate's logits are stored: all that they depend on."""
    return {
        "row": candidate.inputs(job.machine),
        "test": job.task.test.sha256,
        "code": {**fingerprint(__name__)},
    }


def _done(outcome: Outcome) -> Future[Outcome]:
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _logits(
    job: Job, candidate: Candidate, inputs: dict[str, JsonValue], workers: Workers
) -> Logits:
    name = f"{candidate.artifact.body.method}-{candidate.runtime.name}"
    stored = find(job.evaluations, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            logits = workers.scratch / f"{name}.npy"
            request = Request(do="predict", batch=BATCH, out=str(logits))
            answer = workers.get(candidate).ask(request, job.schedule.timeout)
            if "unwritten" in answer:
                raise StorageError(str(answer["unwritten"]))
            shutil.copyfile(logits, folder / "logits.npy")
            return Evaluation(images=len(job.task.test))

        stored = save(path_for(job.evaluations, name, inputs), "evaluation", inputs, fill)
    return cast(Logits, np.load(stored.folder / "logits.npy", allow_pickle=False))
