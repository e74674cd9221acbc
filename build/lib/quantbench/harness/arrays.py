"""Write arrays to files, whole or batch by batch, with the system's error where that fails."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from quantbench.samples.records import Array, Arrays


def write_array(path: Path, array: Array) -> None:
    """Write `array` as .npy. Raises OSError with its errno, which np.save loses on a full disk."""
    path.write_bytes(_header(array, len(array)) + np.ascontiguousarray(array).tobytes())


def write_batches(folder: Path, stem: str, batches: Iterable[Arrays], count: int) -> list[Path]:
    """Write the arrays of `batches`, joined along their first axis, as STEM-0.npy, STEM-1.npy, ...

    `count` is the length of the joined arrays. One batch is held at a time. Raises OSError with
    its errno.
    """
    with ExitStack() as stack:
        files: list[IO[bytes]] = []
        for batch in batches:
            if not files:
                paths = [folder / f"{stem}-{number}.npy" for number in range(len(batch))]
                files = [stack.enter_context(path.open("wb")) for path in paths]
                for file, array in zip(files, batch, strict=True):
                    file.write(_header(array, count))
            for file, array in zip(files, batch, strict=True):
                file.write(np.ascontiguousarray(array).data)
        return [Path(file.name) for file in files]


def read_arrays(folder: Path, stem: str) -> Arrays:
    """The arrays that `write_batches` wrote, memory-mapped, in their order."""
    return tuple(np.load(path, mmap_mode="r", allow_pickle=False) for path in _paths(folder, stem))


def _paths(folder: Path, stem: str) -> Iterator[Path]:
    number = 0
    while (path := folder / f"{stem}-{number}.npy").is_file():
        yield path
        number += 1


def _header(array: Array, count: int) -> bytes:
    buffer = io.BytesIO()
    described = np.lib.format.header_data_from_array_1_0(array[:0])
    shape = (count, *array.shape[1:])
    np.lib.format.write_array_header_1_0(
        buffer, {**described, "shape": shape, "fortran_order": False}
    )
    return buffer.getvalue()
