"""Records that describe a data set: its files, their sources, and its splits."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class IdxFile:
    """One IDX file of unsigned bytes; `sha256` and `bytes` are of the raw file, not of its gzip."""

    name: str
    sha256: str
    bytes: int
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on the Python package index that holds the data; it is read, never installed.

    `member` is a gzipped pickle of ((x, y), (x, y), (x, y)) for train, validation and test
    with x float32 = pixel / 256 [N, 784] and y int64 [N]. `member_cap` bounds its size as
    stored, `pickle_cap` its size once decompressed.
    """

    requirement: str
    member: str
    member_cap: int
    pickle_cap: int


@dataclass(frozen=True, slots=True)
class DataSpec:
    """A data set in MNIST's form: 28x28 gray images in four IDX files.

    `mirrors` are address prefixes to which a file's name plus ".gz" is appended; `folders`
    are system folders that may hold the files; `mean` and `std` are of pixel / 255.
    """

    name: str
    title: str
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    mirrors: tuple[str, ...]
    mean: float
    std: float
    classes: tuple[str, ...]
    wheel: Wheel | None
    folders: tuple[Path, ...]

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """The four files: training images and labels, then test images and labels."""
        return (self.train_images, self.train_labels, self.test_images, self.test_labels)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Whether a source has the data now, with a few words that say why or why not."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, eq=False)
class Split:
    """Part of a data set: images uint8 [N, 28, 28] and labels int64 [N], made read-only.

    `index`, int64 [N], is each image's position in the official file that it comes from.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    index: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        for array in (self.images, self.labels, self.index):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def sha256(self) -> str:
        """Identify the content: the SHA-256 of the images in their order, then of the labels."""
        digest = hashlib.sha256(np.ascontiguousarray(self.images).data)
        digest.update(np.ascontiguousarray(self.labels, dtype="<i8").data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Splits:
    """The three splits, disjoint: calibration is a fixed part of the official training images."""

    train: Split
    calibration: Split
    test: Split

    @property
    def all(self) -> tuple[Split, Split, Split]:
        """The splits in the order train, calibration, test."""
        return (self.train, self.calibration, self.test)
