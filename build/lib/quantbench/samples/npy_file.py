"""Read and grow .npy files: the header is checked before memory is taken, nothing is unpickled."""

from __future__ import annotations

import io
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from quantbench.errors import DataFileError
from quantbench.samples.records import Array
from quantbench.system.files import opened, temporary_name

_HEADER_LIMIT = 64 * 2**10
"""Bytes in which a header has to end: one of numbers takes 128."""
_BUFFER = 2**20
_MAX_DIMENSIONS = 32
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""Version of the format -> its reader; the third is for records, which no network takes."""
_PARSING = (ValueError, TypeError, SyntaxError, KeyError, MemoryError, RecursionError, TokenError)
"""Exceptions of NumPy's reader of headers."""


@dataclass(frozen=True)
class Header:
    """The claims of a .npy file's header; `start` is the offset of its values."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    start: int

    @property
    def bytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(file: IO[bytes], where: str) -> Header:
    """The header of a .npy file; no more than 64 KiB are read of it.

    `where` names the file in errors. Raises DataFileError for what is no .npy file of plain
    numbers or text, and for objects, which would have to be unpickled.
    """
    head = io.BytesIO(file.read(_HEADER_LIMIT))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of files that Python 2 wrote
            shape, fortran_order, dtype = _READERS[npy.read_magic(head)](head)
    except _PARSING as error:
        line = " ".join(str(error).split())[:200]
        raise DataFileError(f"{where} is no .npy file, or damaged ({line})") from error
    if dtype.hasobject:
        raise DataFileError(
            f"{where} holds Python objects, which are never unpickled here; "
            "save an array of numbers"
        )
    if dtype.kind not in "biufU" or dtype.subdtype is not None:
        raise DataFileError(f"{where} holds {dtype}, not numbers")
    if any(size < 0 for size in shape) or len(shape) > _MAX_DIMENSIONS:
        raise DataFileError(f"{where} claims the impossible shape {shape}")
    return Header(tuple(map(int, shape)), dtype, bool(fortran_order), head.tell())


def mapped(path: Path) -> Array:
    """The array of a .npy file, memory-mapped read-only. Raises DataFileError."""
    try:
        with opened(path) as file:
            header = read_header(file, str(path))
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise DataFileError(f"{path} can't be read: {error.strerror or error}") from error
    if size != header.start + header.bytes:
        fault = "is truncated" if size < header.start + header.bytes else "has bytes after its end"
        raise DataFileError(
            f"{path} {fault}: {size} bytes where its header says {header.start + header.bytes}"
        )
    if header.bytes == 0:
        return np.empty(header.shape, header.dtype)
    values: Array = np.memmap(path, header.dtype, "r", header.start, (math.prod(header.shape),))
    return np.asarray(values).reshape(header.shape, order="F" if header.fortran_order else "C")


class GrowingFile:
    """A .npy file that grows by rows under a temporary name, and is renamed when it is whole."""

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Begin the file of an array [N, *shape], N unknown. Raises OSError."""
        self.path, self.dtype, self.shape = path, dtype.newbyteorder("="), shape
        self._temporary = temporary_name(path)
        self._rows = 0
        self._file = self._temporary.open("xb", buffering=_BUFFER)
        self._file.write(self._header())

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows [n, *shape] of the file's dtype at its end. Raises OSError."""
        self._file.write(np.ascontiguousarray(rows, self.dtype).tobytes())
        self._rows += len(rows)

    def finish(self) -> Array:
        """Complete the header, rename the file and map it read-only. Raises OSError."""
        self._file.seek(0)
        self._file.write(self._header())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self.path)
        return mapped(self.path)

    def discard(self) -> None:
        """Remove the unfinished file; a finished one stays."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def _header(self) -> bytes:
        """The header for the rows so far; NumPy pads it so that every count has the same length."""
        header = io.BytesIO()
        description = {
            "descr": npy.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self._rows, *self.shape),
        }
        npy.write_array_header_1_0(header, description)
        return header.getvalue()
