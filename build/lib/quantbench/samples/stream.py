"""Stream batches once to memory-mapped .npy files: one batch and a MiB are in memory at a time."""

from __future__ import annotations

import operator
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quantbench.errors import SamplesError, StorageError, cause
from quantbench.samples.convert import (
    as_array,
    as_targets,
    input_dtype,
    preparation,
    require_castable,
    require_numbers,
    shown,
)
from quantbench.samples.npy_file import GrowingFile
from quantbench.samples.records import Array, Arrays, Samples
from quantbench.samples.structure import parts_of
from quantbench.system.files import sweep, writing

_RESERVE = 256 * 2**20
"""Bytes that stay free on the disk."""

Log = Callable[[str], None]


@dataclass(frozen=True)
class Limit:
    """The most that is taken of a source: the first `samples` (None: all) and no more `bytes`.

    Samples beyond the first are left out; more bytes are an error.
    """

    samples: int | None = None
    bytes: int = 64 * 2**30


DEFAULT_LIMIT = Limit()


@dataclass(frozen=True)
class Rows:
    """Samples as they were written: memory-mapped arrays [N, ...] and the targets."""

    inputs: Arrays
    targets: Array | None


class RowWriter:
    """Appends batches to the files NAME-x1.npy, NAME-x2.npy ... and NAME-y.npy of a folder."""

    def __init__(self, folder: Path, name: str, limit: Limit) -> None:
        """Write nothing yet: the first batch says the shapes and dtypes."""
        self._folder, self._name, self._limit = folder, name, limit
        self._files: tuple[GrowingFile, ...] = ()
        self._has_targets = False
        self._batches = 0
        self._bytes = 0
        self.rows = 0

    @property
    def full(self) -> bool:
        """Whether as many samples are written as the limit allows."""
        return self._limit.samples is not None and self.rows >= self._limit.samples

    def append(self, inputs: Arrays, targets: Array | None) -> None:
        """Write a batch, cut where the limit of samples ends.

        Raises SamplesError for a batch that doesn't fit those before it, and beyond the limit of
        bytes; StorageError where the disk is full.
        """
        self._batches += 1
        room = None if self._limit.samples is None else self._limit.samples - self.rows
        batch = tuple(array[:room] for array in (*inputs, *(() if targets is None else (targets,))))
        self._require_space(sum(array.nbytes for array in batch))
        with writing(self._folder):
            if not self._files:
                self._has_targets = targets is not None
                self._begin(batch)
            self._require_fit(batch, targets is not None)
            for file, array in zip(self._files, batch, strict=True):
                file.append(array)
        self.rows += len(batch[0])
        self._bytes += sum(array.nbytes for array in batch)

    def expect(self, batches: int) -> None:
        """Check that `batches` batches like those so far fit. Raises as `append` does."""
        rows = batches * self.rows // self._batches
        wanted = min(rows, self._limit.samples or rows)
        self._require_space(self._bytes * wanted // self.rows - self._bytes)

    def finish(self) -> Rows:
        """Complete the files and map them. Raises SamplesError where there are no samples."""
        if not self.rows:
            raise SamplesError(f"{self._name} holds no sample")
        with writing(self._folder):
            arrays = tuple(file.finish() for file in self._files)
        return Rows(arrays[:-1], arrays[-1]) if self._has_targets else Rows(arrays, None)

    def discard(self) -> None:
        """Remove unfinished files."""
        for file in self._files:
            file.discard()

    def _begin(self, batch: Arrays) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        sweep(self._folder, f".{self._name}-*.npy.*")
        count = len(batch) - self._has_targets
        names = [f"x{number}" for number in range(1, count + 1)] + ["y"] * self._has_targets
        for name, array in zip(names, batch, strict=True):
            path = self._folder / f"{self._name}-{name}.npy"
            self._files += (GrowingFile(path, array.dtype, array.shape[1:]),)

    def _require_fit(self, batch: Arrays, has_targets: bool) -> None:
        what = f"{self._name}: batch {self._batches}"
        if has_targets != self._has_targets:
            raise SamplesError(
                f"{what} has {'' if has_targets else 'no '}targets, unlike those before"
            )
        if len(batch) != len(self._files):
            raise SamplesError(
                f"{what} has {len(batch)} arrays after batches of {len(self._files)}"
            )
        for array, file in zip(batch, self._files, strict=True):
            if len(array) != len(batch[0]):
                raise SamplesError(f"{what} has {len(batch[0])} samples and {len(array)} for them")
            if array.shape[1:] != file.shape:
                shape, before = shown(array.shape[1:]), shown(file.shape)
                raise SamplesError(f"{what} has samples of shape {shape} after {before}")
            if array.dtype.newbyteorder("=") != file.dtype:
                raise SamplesError(f"{what} has dtype {array.dtype} after {file.dtype}")

    def _require_space(self, more: int) -> None:
        if self._bytes + more > self._limit.bytes:
            raise SamplesError(
                f"{self._name} takes over {self._limit.bytes:,} bytes; give fewer samples or set "
                "a higher limit"
            )
        require_free(self._folder, self._name, more)


def require_free(folder: Path, name: str, size: int) -> None:
    """Check that the disk of `folder` takes `size` more bytes. Raises StorageError."""
    parents = (folder, *folder.absolute().parents)
    existing = next(path for path in parents if path.exists())
    free = shutil.disk_usage(existing).free - _RESERVE
    if size > free:
        raise StorageError(
            f"cannot write {name} to {folder}: {size:,} more bytes are needed and "
            f"{max(free, 0):,} can be used; free some space or give fewer samples"
        )


@contextmanager
def writing_rows(folder: Path, name: str, limit: Limit = DEFAULT_LIMIT) -> Iterator[RowWriter]:
    """A RowWriter; what it hasn't finished at the end of the context is removed."""
    writer = RowWriter(folder, name, limit)
    try:
        yield writer
    finally:
        writer.discard()


def from_batches(
    name: str,
    batches: Iterable[object],
    folder: Path,
    limit: Limit = DEFAULT_LIMIT,
    *,
    names: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> Samples:
    """Samples of an iterable of batches, which is run through once and kept in `folder`.

    A batch is x, (x, y), ((x1, x2), y) or a dict, of arrays, tensors or nested lists [B, ...];
    `names` and `dtypes` are those of the network's inputs, where they are known. Raises
    SamplesError, with the number of the batch, counted from 1, where one is unlike those before.
    """
    wanted = tuple(dtypes)
    with writing_rows(folder, name, limit) as writer:
        for number, batch in enumerate(_each(batches, name), 1):
            what = f"{name}: batch {number}"
            parts = parts_of(batch, what, names)
            arrays = tuple(require_numbers(as_array(value, what), what) for value in parts.inputs)
            wanted = wanted or tuple(input_dtype(array.dtype) for array in arrays)
            if len(wanted) != len(arrays):
                raise SamplesError(f"{what} gives {len(arrays)} inputs, not {len(wanted)}")
            inputs = tuple(
                _as_kept(array, dtype, what) for array, dtype in zip(arrays, wanted, strict=True)
            )
            writer.append(inputs, _targets(parts.targets, what, classes))
            if number == 1:
                writer.expect(_length(batches))
            if writer.full:
                break
        rows = writer.finish()
    prepare = preparation([array.dtype for array in rows.inputs], wanted)
    return Samples(name, rows.inputs, rows.targets, prepare, tuple(classes))


def _each(batches: Iterable[object], name: str) -> Iterator[object]:
    """The batches; whatever the user's code raises on the way to one is an error of that batch."""
    number = 1
    try:
        iterator = iter(batches)
        while True:
            yield next(iterator)
            number += 1
    except StopIteration:
        return
    except Exception as error:  # the user's code may raise anything
        raise SamplesError(f"{name}: batch {number} can't be had: {cause(error)}") from error


def _length(batches: Iterable[object]) -> int:
    """The number of batches where the iterable knows it, else 1."""
    try:
        return max(1, operator.length_hint(batches, 1))
    except Exception:  # noqa: BLE001  # the user's __len__ may raise anything; it is only a hint
        return 1


def _as_kept(array: Array, dtype: str, what: str) -> Array:
    """The values as they are kept: small integers as they came, all else as the network's input."""
    require_castable(array, dtype, what)
    small: np.dtype[Any] = array.dtype
    if small.kind in "biu" and small.itemsize < np.dtype(dtype).itemsize:
        return array
    return array.astype(dtype, copy=False)


def _targets(targets: object, what: str, classes: Sequence[str]) -> Array | None:
    if targets is None:
        return None
    array = as_array(targets, f"{what}, y")
    if array.dtype.kind == "U" and not classes:
        raise SamplesError(f"{what} names classes; give the list of all classes, or numbers")
    return as_targets(array, f"{what}, y", classes)[0]
