"""Predict single images with one artifact on one runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from quantbench.artifacts.artifact import Artifact
from quantbench.harness.arrays import read_arrays
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import OUTPUT, Request
from quantbench.samples.records import Array, Samples
from quantbench.system.record import Record
from quantbench.tasks.task import Task


class Prediction(Record):
    """The likeliest class of an image, with its softmax probability."""

    label: str
    probability: float


def answers(
    artifact: Artifact, runtime: str, task: Task, images: Sequence[Array]
) -> list[Prediction]:
    """The likeliest class of each image, given as the task's data set stores it.

    The runtime runs in a separate process, so that its crash doesn't end this one. Raises
    WorkerError with the reason.
    """
    samples = replace(task.test, stored=(np.stack(images),), targets=None)
    logits = _logits(artifact, runtime, task, samples).astype(np.float64)
    probabilities = softmax(logits, axis=1)
    return [
        Prediction(label=task.classes[best], probability=float(row[best]))
        for row, best in zip(probabilities, probabilities.argmax(1), strict=True)
    ]


def _logits(artifact: Artifact, runtime: str, task: Task, samples: Samples) -> Array:
    timeout = Schedule().timeout
    with tempfile.TemporaryDirectory() as scratch:
        folder, outputs = Path(scratch) / "samples", Path(scratch) / "outputs"
        outputs.mkdir()
        write_samples(folder, samples)
        load = Request(
            do="load",
            artifact=str(artifact.folder),
            runtime=runtime,
            outputs=task.network.outputs,
        )
        with Worker(f"{artifact.body.method} on {runtime}", 1, Path(scratch)) as worker:
            worker.ask(Request(do="samples", samples=str(folder)), timeout)
            worker.ask(load, timeout)
            worker.ask(Request(do="predict", batch=len(samples), out=str(outputs)), timeout)
        return np.array(read_arrays(outputs, OUTPUT)[0])
