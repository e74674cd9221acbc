"""The record of a split: samples with their targets, prepared slice by slice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = tuple[Array, ...]
Prepare: TypeAlias = Callable[[Arrays], Arrays]

_HASHED = 64 * 2**20
"""Bytes that are hashed at a time."""


def as_stored(arrays: Arrays) -> Arrays:
    """Return the stored arrays: the preparation of samples that need none."""
    return arrays


@dataclass(frozen=True, eq=False)
class Samples:
    """N samples of a task: what is stored of each, and its target.

    `stored` holds one array for each input of the network, [N, ...], or raw data that `prepare`
    turns into these, slice by slice. Arrays may be memory-mapped: take parts of them.
    """

    name: str
    """The split: "train", "calibration" or "test"."""
    stored: Arrays
    targets: Array | None = None
    """[N, ...]; None where there are none."""
    prepare: Prepare = as_stored
    classes: tuple[str, ...] = ()
    """The name of class i, where targets are classes and their source names them."""

    def __len__(self) -> int:
        return len(self.stored[0])

    def inputs(self, start: int = 0, stop: int | None = None) -> Arrays:
        """The network's inputs for a slice of the samples: one C-contiguous array each.

        The arrays can be written to: those that are stored read-only are copied.
        """
        part = tuple(np.asarray(array[start:stop]) for array in self.stored)
        return tuple(np.require(array, None, ("C", "A", "W")) for array in self.prepare(part))

    def batches(self, size: int) -> Iterator[Arrays]:
        """Yield the inputs of all samples, `size` at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.inputs(start, start + size)

    def part(self, start: int = 0, stop: int | None = None) -> Samples:
        """A slice of the samples, as samples of the same split."""
        return replace(
            self,
            stored=tuple(array[start:stop] for array in self.stored),
            targets=None if self.targets is None else self.targets[start:stop],
        )

    def at(self, places: NDArray[np.intp]) -> Samples:
        """The samples at some places, in their order, as samples of the same split, in memory."""
        return replace(
            self,
            stored=tuple(array[places] for array in self.stored),
            targets=None if self.targets is None else self.targets[places],
        )

    @cached_property
    def sha256(self) -> str:
        """Identify what is stored: the SHA-256 of the arrays in order, then of the targets."""
        digest = hashlib.sha256()
        for array in (*self.stored, *(() if self.targets is None else (self.targets,))):
            for block in _blocks(array):
                digest.update(block)
        return digest.hexdigest()


def _blocks(array: Array) -> Iterator[bytes]:
    """The bytes of an array, little-endian, in parts of bounded size."""
    size = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
    step = max(1, _HASHED // max(size, 1))
    for start in range(0, len(array), step):
        block = np.ascontiguousarray(array[start : start + step])
        yield block.astype(block.dtype.newbyteorder("<"), copy=False).tobytes()
