"""A task that trains in a second: generated digits of 28x28 in place of MNIST's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench import plugins
from quantbench.data import Split, as_samples, preprocess_sha256
from quantbench.studies.load import untrained
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint
from quantbench.training.recipes import Recipe
from quantbench.training.train import train

# Each digit in 5 columns and 7 rows, a number a row.
_FONT = (
    (14, 17, 19, 21, 25, 17, 14), (4, 12, 4, 4, 4, 4, 14), (14, 17, 1, 2, 4, 8, 31),
    (31, 2, 4, 2, 1, 17, 14), (2, 6, 10, 18, 31, 2, 2), (31, 16, 30, 1, 1, 17, 14),
    (6, 8, 16, 30, 17, 17, 14), (31, 1, 2, 4, 8, 8, 8), (14, 17, 17, 14, 17, 17, 14),
    (14, 17, 17, 15, 1, 2, 12),
)  # fmt: skip

TRAIN, CALIBRATION, TEST = 600, 120, 200

RECIPE = Recipe(optimizer="muon", lr=0.02, momentum=0.9, batch=30, epochs=2, shift=1)


def digits(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """uint8 [count, 28, 28] and int64 [count]: 3-fold digits, moved, in noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    bits = np.array([[[row >> 4 - c & 1 for c in range(5)] for row in d] for d in _FONT], np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = rng.integers(1, 6), rng.integers(4, 9)
        glyph = np.kron(bits[label], np.full((3, 3), 190, np.uint8))
        image[top : top + 21, left : left + 15] += glyph
    return images, labels


def task(model: str = "lenet") -> Task:
    """The task of a network that is still to be trained; its data is named "mnist"."""
    images, labels = digits(TRAIN + CALIBRATION + TEST, seed=5)
    spec = plugins.data("mnist").SPEC
    cuts = {
        "train": slice(0, TRAIN),
        "calibration": slice(TRAIN, TRAIN + CALIBRATION),
        "test": slice(-TEST, None),
    }
    train, calibration, test = (
        as_samples(Split(name, images[cut].copy(), labels[cut].copy(), labels[cut]), spec)
        for name, cut in cuts.items()
    )
    return Task(
        network=untrained(model),
        data="mnist",
        train=train,
        calibration=calibration,
        test=test,
        classes=spec.classes,
        preprocessing_sha256=preprocess_sha256(spec),
        reader="mnist",
    )


def trained(task: Task, parent: Path) -> Checkpoint:
    return train(task, "tiny", RECIPE, 1, parent)
