"""A data set as its splits, and the one way in which images become a network's input."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from quantbench.data.idx import idx_file, sources, web
from quantbench.data.idx.spec import DataSpec, Split, Splits

CALIBRATION = 5_000
PAD = 2


def to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def load(
    spec: DataSpec,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    cache: Path | None = None,
    say: sources.Say = to_stderr,
    network: web.Network = web.Network(),  # noqa: B008 - a frozen record
) -> Splits:
    """The data set's splits, from `data_dir`, the cache, or else the first source that has it.

    `offline` asks no network at all. `say` gets a line for each mishap on the way. Raises
    DataFileError, DataUnavailableError or StorageError.
    """
    raw = sources.obtain(
        spec, data_dir=data_dir, offline=offline, cache=cache, say=say, network=network
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


def split_indices(n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the training and of the calibration images among the n official ones."""
    order = np.random.default_rng(0).permutation(n)
    held_out = min(CALIBRATION, n // 12)
    return order[: n - held_out], order[n - held_out :]


def preprocess(images: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.float32]:
    """uint8 [N, 28, 28] -> float32 [N, 1, 32, 32], C-contiguous.

    Zeros are padded before normalising, so the border has the background's value. Training,
    calibration, test and prediction all come through here.
    """
    n, height, width = images.shape
    padded = np.zeros((n, 1, height + 2 * PAD, width + 2 * PAD), np.float32)
    padded[:, 0, PAD:-PAD, PAD:-PAD] = images
    return _normalise(padded, spec)


def preprocess_sha256(spec: DataSpec) -> str:
    """Identifies the preprocessing: its constants and what it makes of a fixed pattern."""
    constants = json.dumps({"pad": PAD, "mean": spec.mean, "std": spec.std}, sort_keys=True)
    pattern = (np.arange(2 * 28 * 28) * 7 % 256).astype(np.uint8).reshape(2, 28, 28)
    digest = hashlib.sha256(constants.encode())
    digest.update(preprocess(pattern, spec).astype("<f4").tobytes())
    return digest.hexdigest()


def iterate_like_a_report(
    split: Split, spec: DataSpec, batch: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Batches as a per-image loader makes them: float32 [B, 1, 32, 32] and int64 [B].

    One image at a time through Pillow, as in reports whose timed loop includes its data
    loading; the values are exactly those of `preprocess`. The last batch may be smaller.
    """
    for start in range(0, len(split), batch):
        images = [_like_a_transform(image, spec) for image in split.images[start : start + batch]]
        yield np.stack(images), split.labels[start : start + batch]


def _like_a_transform(image: NDArray[np.uint8], spec: DataSpec) -> NDArray[np.float32]:
    """uint8 [28, 28] -> float32 [1, 32, 32]."""
    padded = ImageOps.expand(Image.fromarray(image), border=PAD, fill=0)
    return _normalise(np.array(padded, dtype=np.float32)[np.newaxis], spec)


def _normalise(pixels: NDArray[np.float32], spec: DataSpec) -> NDArray[np.float32]:
    """In place, each step rounded to float32, so the result is the same on every machine."""
    pixels /= np.float32(255)
    pixels -= np.float32(spec.mean)
    pixels /= np.float32(spec.std)
    return pixels


def _split(
    name: str, images: NDArray[np.uint8], labels: NDArray[np.uint8], index: NDArray[np.int64]
) -> Split:
    return Split(name, images[index], labels[index].astype(np.int64), index)
