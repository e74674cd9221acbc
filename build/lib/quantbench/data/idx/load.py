"""Load a data set as its splits, and turn images into a network's input."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from quantbench.data.idx import idx_file, sources, web
from quantbench.data.idx.spec import DataSpec, Split, Splits
from quantbench.samples.records import Arrays, Samples
from quantbench.samples.splits import SampleSplits

CALIBRATION = 5_000
PAD = 2


def to_stderr(line: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"{line}\n")


def load(
    spec: DataSpec,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    cache: Path | None = None,
    log: sources.Log = to_stderr,
    limits: web.TransferLimits = web.TransferLimits(),  # noqa: B008 - a frozen record
) -> Splits:
    """The data set's splits, from `data_dir`, else the cache, else the first source that has it.

    `offline` leaves the network alone. `log` receives a line for each mishap on the way. Raises
    DataFileError for a wrong file in `data_dir`, DataUnavailableError where no source has the
    files, and StorageError where the cache can't be used.
    """
    raw = sources.obtain(
        spec, data_dir=data_dir, offline=offline, cache=cache, log=log, limits=limits
    )
    images, labels, test_images, test_labels = (
        idx_file.parse(raw[file.name], file.name, file.shape) for file in spec.files
    )
    train, calibration = split_indices(len(images))
    return Splits(
        train=_split("train", images, labels, train),
        calibration=_split("calibration", images, labels, calibration),
        test=_split("test", test_images, test_labels, np.arange(len(test_images))),
    )


def load_samples(
    spec: DataSpec, folder: Path | None, *, offline: bool, log: sources.Log = to_stderr
) -> SampleSplits:
    """The data set's splits as samples, from `folder` or any source. Raises as `load` does."""
    splits = load(spec, data_dir=folder, offline=offline, log=log)
    return SampleSplits(*(as_samples(split, spec) for split in splits.all))


def as_samples(split: Split, spec: DataSpec) -> Samples:
    """A split as samples, which keep its bytes and prepare slices of them as `preprocess` does."""
    padding = Padding(spec.mean, spec.std)
    return Samples(split.name, (split.images,), split.labels, padding, spec.classes)


@dataclass(frozen=True)
class Padding:
    """The preparation of 28x28 images: zeros around them, then (pixel / 255 - mean) / std."""

    mean: float
    std: float

    def __call__(self, arrays: Arrays) -> Arrays:
        """Turn images, uint8 [N, 28, 28], into one input, float32 [N, 1, 32, 32]."""
        (images,) = arrays
        n, height, width = images.shape
        padded = np.zeros((n, 1, height + 2 * PAD, width + 2 * PAD), np.float32)
        padded[:, 0, PAD:-PAD, PAD:-PAD] = images
        return (_normalise(padded, self.mean, self.std),)


def split_indices(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training and of the calibration images among the `n` official ones.

    A fixed permutation (seed 0) is cut: calibration is its last 5,000, at most a twelfth of `n`.
    Both are int64.
    """
    order = np.random.default_rng(0).permutation(n)
    held_out = min(CALIBRATION, n // 12)
    return order[: n - held_out], order[n - held_out :]


def preprocess(images: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.float32]:
    """Pad and normalise images: uint8 [N, 28, 28] -> float32 [N, 1, 32, 32], C-contiguous.

    Zeros are padded before normalising, so the border has the background's value. Training,
    calibration, test and prediction all use this function.
    """
    (inputs,) = Padding(spec.mean, spec.std)((images,))
    return inputs


def preprocess_sha256(spec: DataSpec) -> str:
    """Identify the preprocessing: SHA-256 of its constants and its output for a fixed pattern."""
    constants = json.dumps({"pad": PAD, "mean": spec.mean, "std": spec.std}, sort_keys=True)
    pattern = (np.arange(2 * 28 * 28) * 7 % 256).astype(np.uint8).reshape(2, 28, 28)
    digest = hashlib.sha256(constants.encode())
    digest.update(preprocess(pattern, spec).astype("<f4").tobytes())
    return digest.hexdigest()


def iterate_like_a_report(
    split: Split, spec: DataSpec, batch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Yield batches as a per-image loader makes them: float32 [B, 1, 32, 32] and labels int64 [B].

    Each image passes through Pillow alone, as in the reports whose timed loop includes data
    loading; the values are exactly those of `preprocess`. The last batch may be smaller.
    """
    for start in range(0, len(split), batch):
        images = [_like_a_transform(image, spec) for image in split.images[start : start + batch]]
        yield np.stack(images), split.labels[start : start + batch]


def _like_a_transform(image: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.float32]:
    """Preprocess one image as a transform does: uint8 [28, 28] -> float32 [1, 32, 32]."""
    padded = ImageOps.expand(Image.fromarray(image), border=PAD, fill=0)
    pixels = np.array(padded, dtype=np.float32)[np.newaxis]
    return _normalise(pixels, spec.mean, spec.std)


def _normalise(pixels: NDArray[np.float32], mean: float, std: float) -> NDArray[np.float32]:
    """Normalise in place; each step rounds to float32, so every machine has the same result."""
    pixels /= np.float32(255)
    pixels -= np.float32(mean)
    pixels /= np.float32(std)
    return pixels


def _split(
    name: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], index: NDArray[np.int64]
) -> Split:
    return Split(name, images[index], labels[index].astype(np.int64), index)
