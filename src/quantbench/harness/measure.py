"""Answers and times of every candidate, joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from quantbench.errors import WorkerError
from quantbench.harness.evaluate import Logits, evaluate_all
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.records import Latency, Skipped
from quantbench.harness.timing import Timing, time_all
from quantbench.system.machine import Environment

BASELINE = "float32"


@dataclass(frozen=True)
class Measured:
    """Of each candidate that could be measured, in their order."""

    candidates: tuple[Candidate, ...]
    logits: tuple[Logits, ...]
    timings: tuple[Timing, ...]
    data_loading: Latency
    environment: Environment
    skipped: tuple[Skipped, ...]


def measure(job: Job, candidates: Iterable[Candidate | Skipped]) -> Measured:
    """Stored answers and times where nothing that they depend on changed, else new ones.

    A candidate whose worker fails is skipped with its reason. Raises WorkerError where no
    float32 could be run.
    """
    with Workers(job, job.threads[0]) as workers:
        answers = evaluate_all(job, candidates, workers)
        working = [answer for answer in answers if not isinstance(answer, Skipped)]
        _require_baseline([candidate for candidate, _ in working], answers)
        timed = time_all(job, [candidate for candidate, _ in working], workers)
    rows, skipped = [], [answer for answer in answers if isinstance(answer, Skipped)]
    for (candidate, logits), timing in zip(working, timed.rows, strict=True):
        if isinstance(timing, Timing):
            rows.append((candidate, logits, timing))
        else:
            skipped.append(candidate.failed(timing))
    _require_baseline([candidate for candidate, _, _ in rows], skipped)
    return Measured(
        candidates=tuple(candidate for candidate, _, _ in rows),
        logits=tuple(logits for _, logits, _ in rows),
        timings=tuple(timing for _, _, timing in rows),
        data_loading=timed.data_loading,
        environment=job.machine.model_copy(update={"load": timed.load}),
        skipped=tuple(skipped),
    )


def _require_baseline(candidates: Iterable[Candidate], answers: Iterable[object]) -> None:
    """Raises WorkerError with the reasons why none was."""
    if any(candidate.artifact.body.method == BASELINE for candidate in candidates):
        return
    reasons = "; ".join(
        f"{answer.runtime}: {answer.reason}"
        for answer in answers
        if isinstance(answer, Skipped) and answer.method == BASELINE
    ).removeprefix("*: ")
    raise WorkerError(f"{BASELINE}, which all is compared with, could not run: {reasons}")
