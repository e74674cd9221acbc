"""Every candidate's answers to the test images, each from a worker process of its own."""

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
"""[N, K]"""
Answer: TypeAlias = tuple[Candidate, Logits] | Skipped


class Evaluation(Record):
    """Of a stored `logits.npy`, float32 [N, K]."""

    images: int


def evaluate_all(
    job: Job, candidates: Iterable[Candidate | Skipped], workers: Workers
) -> list[Answer]:
    """Each one's logits, or why it is skipped. Nothing is timed here, so they run at once."""

    def evaluate(candidate: Candidate, inputs: dict[str, JsonValue]) -> Answer:
        try:
            return candidate, _logits(job, candidate, inputs, workers)
        except WorkerError as error:
            return candidate.failed(str(error))

    with at_once() as pool:
        # Submitting takes the next candidate, which quantizes it while a worker answers. What it
        # depends on is computed here: Python 3.11 parses in one thread only.
        answers = [
            _done(one)
            if isinstance(one, Skipped)
            else pool.submit(evaluate, one, evaluation_inputs(job, one))
            for one in candidates
        ]
        return [
            answer.result() for answer in job.progress.each(answers, "evaluating", len(answers))
        ]


def evaluation_inputs(job: Job, candidate: Candidate) -> dict[str, JsonValue]:
    """All that a candidate's answers to the test images depend on."""
    return {
        "row": candidate.inputs(job.machine),
        "test": job.task.test.sha256,
        "code": {**fingerprint(__name__)},
    }


def _done(answer: Answer) -> Future[Answer]:
    future: Future[Answer] = Future()
    future.set_result(answer)
    return future


def _logits(
    job: Job, candidate: Candidate, inputs: dict[str, JsonValue], workers: Workers
) -> Logits:
    name = f"{candidate.artifact.body.method}-{candidate.runtime.name}"
    stored = find(job.evaluations, name, "evaluation", inputs, Evaluation)
    if stored is None:

        def fill(folder: Path) -> Evaluation:
            answered = workers.scratch / f"{name}.npy"
            request = Request(do="predict", batch=BATCH, out=str(answered))
            answer = workers.get(candidate).ask(request, job.schedule.timeout)
            if "unwritten" in answer:
                raise StorageError(str(answer["unwritten"]))
            shutil.copyfile(answered, folder / "logits.npy")
            return Evaluation(images=len(job.task.test))

        stored = save(path_for(job.evaluations, name, inputs), "evaluation", inputs, fill)
    return cast(Logits, np.load(stored.folder / "logits.npy", allow_pickle=False))
