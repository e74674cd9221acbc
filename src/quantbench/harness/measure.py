"""Measure every candidate: its outputs for the test samples, then its times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from quantbench.errors import WorkerError
from quantbench.harness.baseline import is_baseline
from quantbench.harness.cluster import Cluster
from quantbench.harness.count import Counted, count_all
from quantbench.harness.evaluate import evaluate_all
from quantbench.harness.noise import Noise
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.records import Latency, Skipped
from quantbench.harness.timing import Contest, Timing, time_all
from quantbench.samples.records import Arrays
from quantbench.system.machine import Environment


@dataclass(frozen=True)
class Measured:
    """The measurements of a study.

    `candidates`, `outputs` (for each output of the network an array [N, ...]) and `timings`
    belong together by position; candidates that couldn't be measured are in `skipped`.
    `data_loading` times the reading of the raw data without a model, where the task has such.
    """

    candidates: tuple[Candidate, ...]
    outputs: tuple[Arrays, ...]
    timings: tuple[Timing, ...]
    data_loading: Latency | None
    environment: Environment
    noise: Noise
    skipped: tuple[Skipped, ...]
    counted: tuple[Counted, ...] = ()
    """The instructions of each candidate; empty where they weren't asked for."""


ContestOf = Callable[[Sequence[Candidate], Sequence[Arrays]], Contest]
"""The contest of candidates with their outputs for the test samples."""


def measure(
    job: Job,
    candidates: Iterable[Candidate | Skipped],
    cluster: Cluster | None = None,
    contest_of: ContestOf | None = None,
) -> Measured:
    """Measure the candidates, or take stored outputs and times where no input of theirs changed.

    A candidate whose worker fails, or for which the deadline leaves no time, is skipped with its
    reason; the first candidate, which is the baseline, may take its time. A `cluster` predicts in
    place of this machine, which alone takes times; `contest_of` says which rows are started again,
    all of them without it. Raises WorkerError where float32
    ran on no runtime.
    """
    with Workers(job, job.threads[0]) as workers:
        outcomes = evaluate_all(job, candidates, workers, cluster)
        working = [outcome for outcome in outcomes if not isinstance(outcome, Skipped)]
        _require_baseline([candidate for candidate, _ in working], outcomes)
        able = [candidate for candidate, _ in working]
        contest = contest_of and contest_of(able, [outputs for _, outputs in working])
        timed = time_all(job, able, workers, contest)
    rows, skipped = [], [outcome for outcome in outcomes if isinstance(outcome, Skipped)]
    for (candidate, outputs), timing in zip(working, timed.rows, strict=True):
        if isinstance(timing, Timing):
            rows.append((candidate, outputs, timing))
        else:
            skipped.append(timing)
    _require_baseline([candidate for candidate, _, _ in rows], skipped)
    return Measured(
        candidates=tuple(candidate for candidate, _, _ in rows),
        outputs=tuple(outputs for _, outputs, _ in rows),
        timings=tuple(timing for _, _, timing in rows),
        counted=tuple(count_all(job, [candidate for candidate, _, _ in rows]) if job.count else ()),
        data_loading=timed.data_loading,
        environment=job.machine.model_copy(update={"load": timed.load}),
        noise=timed.noise,
        skipped=tuple(skipped),
    )


def _require_baseline(candidates: Iterable[Candidate], outcomes: Iterable[object]) -> None:
    """Raise WorkerError where no candidate is a baseline, with the reasons from `outcomes`."""
    if any(candidate.is_baseline for candidate in candidates):
        return
    reasons = "; ".join(
        f"{outcome.runtime}: {outcome.reason}"
        for outcome in outcomes
        if isinstance(outcome, Skipped) and is_baseline(outcome.method)
    ).removeprefix("*: ")
    raise WorkerError(f"the network as it is could not run on any runtime: {reasons}")
