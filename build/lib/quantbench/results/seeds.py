"""Scores over several seeds of training and calibration: the spread of a method."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev

from quantbench.harness.baseline import is_baseline
from quantbench.harness.pool import Candidate
from quantbench.results.metric import Metric, metric_for, scored
from quantbench.results.records import BySeed
from quantbench.results.seen import baseline_of, observations
from quantbench.samples.records import Arrays
from quantbench.tasks.task import Task

Differences = dict[str, float]
"""A row's name -> its score less that of its float32, for one seed."""


def differences(
    task: Task,
    candidates: Sequence[Candidate],
    outputs: Sequence[Arrays],
    metric: Metric | None = None,
) -> Differences:
    """The difference of each quantized row that has a score, as its float32 has."""
    judging = metric or metric_for(task)
    values = [scored(judging, each).value for each in observations(task, candidates, outputs)]
    found = {}
    for index, candidate in enumerate(candidates):
        value, base = values[index], values[baseline_of(candidates, candidate)]
        quantized = not is_baseline(candidate.artifact.body.method)
        if quantized and value is not None and base is not None:
            found[candidate.name] = value - base
    return found


def by_seed(own: float, name: str, others: Sequence[Differences]) -> BySeed | None:
    """A row's differences over the seeds, its own study's first; None where it has one alone."""
    values = (own, *(each[name] for each in others if name in each))
    if len(values) < 2:
        return None
    return BySeed(differences=values, mean=fmean(values), spread=stdev(values))
