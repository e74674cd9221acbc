"""CIFAR-10: photographs of 32x32 pixels in ten classes (Krizhevsky, 2009), the binary version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.data.idx.load import split_indices
from quantbench.errors import DataFileError
from quantbench.samples.images import Preprocessing
from quantbench.samples.records import Samples
from quantbench.samples.splits import SampleSplits, users_folder
from quantbench.system.files import read_plain

TITLE = "CIFAR-10"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_IN_FILE = 10_000
"""Images in each of the six files."""
_RECORD = 1 + 3 * 32 * 32
"""Bytes of an image: its label, then its red, green and blue pixels by rows."""
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_FILES = f"{_TRAIN[0]} to {_TRAIN[-1]} and test_batch.bin"
_PREPROCESSING = Preprocessing(mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616))


def load(folder: Path | None, *, offline: bool, log: Callable[[str], None]) -> SampleSplits:
    root = _root(users_folder(TITLE, folder, f"{_FILES} (the binary version)"))
    parts = [_read(root / name) for name in _TRAIN]
    images = np.concatenate([part[0] for part in parts])
    labels = np.concatenate([part[1] for part in parts])
    train, calibration = split_indices(len(images))
    return SampleSplits(
        _samples("train", images[train], labels[train]),
        _samples("calibration", images[calibration], labels[calibration]),
        _samples("test", *_read(root / "test_batch.bin")),
    )


def _root(folder: Path) -> Path:
    """The folder itself, or the one that the official archive unpacks to."""
    unpacked = folder / "cifar-10-batches-bin"
    root = unpacked if unpacked.is_dir() else folder
    pickled = (folder / "cifar-10-batches-py", folder / "data_batch_1")
    if not (root / _TRAIN[0]).exists() and any(path.exists() for path in pickled):
        raise DataFileError(
            f"{folder} holds the Python version of {TITLE}, whose files are pickles and never "
            f"unpickled here; put the binary version there: {_FILES}"
        )
    return root


def _read(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The images, uint8 [N, 32, 32, 3], and the labels of a file. Raises DataFileError."""
    size = _IN_FILE * _RECORD
    try:
        raw = read_plain(path, size + 1)
    except OSError as error:
        raise DataFileError(
            f"{path} can't be read: {error.strerror or error}; put {TITLE}'s binary version there"
        ) from error
    if len(raw) != size:
        fault = "is truncated" if len(raw) < size else "has bytes after its end"
        raise DataFileError(f"{path} {fault}: {TITLE}'s file has {size:,} bytes")
    records = np.frombuffer(raw, np.uint8).reshape(_IN_FILE, _RECORD)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(CLASSES):
        raise DataFileError(f"{path} holds the label {labels.max()}: it isn't {TITLE}'s file")
    pixels = records[:, 1:].reshape(_IN_FILE, 3, 32, 32)
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), labels


def _samples(name: str, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> Samples:
    return Samples(name, (images,), labels, _PREPROCESSING, CLASSES)
