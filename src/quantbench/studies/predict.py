"""Predict single images with one artifact on one runtime."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from quantbench.artifacts.artifact import Artifact
from quantbench.data import DataSpec
from quantbench.harness.process import Worker
from quantbench.harness.schedule import Schedule
from quantbench.harness.worker import Request
from quantbench.system.record import Record


class Prediction(Record):
    """The likeliest class of an image, with its softmax probability."""

    label: str
    probability: float


def answers(
    artifact: Artifact, runtime: str, spec: DataSpec, images: Sequence[NDArray[np.uint8]]
) -> list[Prediction]:
    """The likeliest class of each image, uint8 [28, 28], light on dark.

    The runtime runs in a separate process, so that its crash doesn't end this one. Raises
    WorkerError with the reason.
    """
    logits = _logits(artifact, runtime, spec, np.stack(images)).astype(np.float64)
    probabilities = softmax(logits, axis=1)
    return [
        Prediction(label=spec.classes[best], probability=float(row[best]))
        for row, best in zip(probabilities, probabilities.argmax(1), strict=True)
    ]


def _logits(
    artifact: Artifact, runtime: str, spec: DataSpec, images: NDArray[np.uint8]
) -> NDArray[np.float32]:
    timeout = Schedule().timeout
    with tempfile.TemporaryDirectory() as scratch:
        input_file, output_file = Path(scratch) / "images.npy", Path(scratch) / "logits.npy"
        np.save(input_file, images, allow_pickle=False)
        load = Request(
            do="load",
            artifact=str(artifact.folder),
            runtime=runtime,
            classes=len(spec.classes),
        )
        with Worker(f"{artifact.body.method} on {runtime}", 1, Path(scratch)) as worker:
            worker.ask(Request(do="images", images=str(input_file), data=spec.name), timeout)
            worker.ask(load, timeout)
            worker.ask(Request(do="predict", batch=len(images), out=str(output_file)), timeout)
        return np.asarray(np.load(output_file, allow_pickle=False), np.float32)
