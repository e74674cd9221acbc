"""KMNIST: cursive Japanese characters in MNIST's form (Clanuwat et al., 2018).

The files are the user's: no SHA-256 of them is known for certain, so they are told by their
shapes, and the mean and deviation are those of the training images at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from quantbench.data.idx.load import Padding, split_indices
from quantbench.data.idx.unverified import images_and_labels
from quantbench.samples.records import Samples
from quantbench.samples.splits import SampleSplits, users_folder

TITLE = "KMNIST"
CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
_TRAIN, _TEST = 60_000, 10_000
_FILES = "MNIST's four IDX files with KMNIST's content"


def load(folder: Path | None, *, offline: bool, log: Callable[[str], None]) -> SampleSplits:
    root = users_folder(TITLE, folder, _FILES)
    images, labels = images_and_labels(
        root, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", _TRAIN, len(CLASSES)
    )
    test_images, test_labels = images_and_labels(
        root, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", _TEST, len(CLASSES)
    )
    padding = Padding(
        round(float(images.mean(dtype=np.float64)) / 255, 4),
        round(float(images.std(dtype=np.float64)) / 255, 4),
    )
    train, calibration = split_indices(len(images))
    return SampleSplits(
        Samples("train", (images[train],), labels[train], padding, CLASSES),
        Samples("calibration", (images[calibration],), labels[calibration], padding, CLASSES),
        Samples("test", (test_images,), test_labels, padding, CLASSES),
    )
