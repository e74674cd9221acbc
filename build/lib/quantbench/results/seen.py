"""Gather what a metric sees of a row: its outputs, and those of the float32 it is set against."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.contracts import Observation
from quantbench.harness.pool import Candidate
from quantbench.samples.records import Arrays
from quantbench.tasks.task import Task


def baseline_of(candidates: Sequence[Candidate], candidate: Candidate) -> int:
    """The index of float32 in the same runtime, or of the first float32 where it has none."""
    floats = [i for i, c in enumerate(candidates) if c.is_baseline]
    same = [i for i in floats if candidates[i].runtime.name == candidate.runtime.name]
    return (same or floats)[0]


def observations(
    task: Task, candidates: Sequence[Candidate], outputs: Sequence[Arrays]
) -> list[Observation]:
    """Gather what metrics see of each candidate; `outputs` are its arrays [N, ...]."""
    return [
        Observation(
            outputs=outputs[index],
            float_outputs=outputs[baseline_of(candidates, candidate)],
            targets=task.test.targets,
            bytes=candidate.artifact.bytes,
        )
        for index, candidate in enumerate(candidates)
    ]
