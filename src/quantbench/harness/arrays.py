"""Write arrays to files, whole or batch by batch, with the system's error where that fails."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from quantbench.samples.records import Array, Arrays

_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<|](?:b1|[iu][1248]|f[248]))', 'fortran_order': False, "
    rb"'shape': \((?P<shape>[\d, ]*)\), \} *\n"
)


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
    """The arrays that `write_batches` wrote, memory-mapped, in their order.

    Any thread may call it. Raises ValueError as `read_array` does.
    """
    return tuple(read_array(path) for path in _paths(folder, stem))


def read_array(path: Path) -> Array:
    """Map a file that `write_array` or `write_batches` wrote into memory.

    np.load parses the header with `ast`, which in Python 3.11 works in one thread at a time.
    Raises ValueError for a file of another form and for one that is cut short.
    """
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        length = int.from_bytes(file.read(2), "little")
        header = _HEADER.fullmatch(file.read(length))
        if version != (1, 0) or not header:
            raise ValueError(f"{path} has another header than quantbench writes")
        shape = tuple(int(size) for size in header["shape"].split(b",") if size.strip())
        dtype = np.dtype(header["dtype"].decode())
        if math.prod(shape) * dtype.itemsize != path.stat().st_size - file.tell():
            raise ValueError(f"{path} isn't as long as its header says")
        return np.memmap(file, dtype, "r", offset=file.tell(), shape=shape)


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
