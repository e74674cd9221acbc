"""The IDX format: two zero bytes, a type, a rank, big-endian sizes, then the values."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import DataFileError

_UNSIGNED_BYTE = 0x08


def parse(raw: bytes, name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values of a raw IDX file as a read-only view, uint8 of `shape`.

    `name` stands for the file in errors. Raises DataFileError where the file is truncated, has
    bytes after its end, or isn't an IDX file of unsigned bytes with this shape.
    """
    magic = struct.pack(">HBB", 0, _UNSIGNED_BYTE, len(shape))
    start = len(magic) + 4 * len(shape)
    if raw[:4] != magic[: len(raw)]:
        raise DataFileError(
            f"{name}: starts with {raw[:4].hex()}, an IDX file of {len(shape)} dimensions of "
            f"unsigned bytes with {magic.hex()}"
        )
    if len(raw) < start:
        raise DataFileError(f"{name}: truncated in its header, after {len(raw)} bytes")
    declared = struct.unpack_from(f">{len(shape)}I", raw, len(magic))
    if declared != shape:
        raise DataFileError(f"{name}: has shape {_times(declared)}, expected {_times(shape)}")
    size = start + int(np.prod(shape, dtype=np.int64))
    if len(raw) != size:
        fault = "truncated" if len(raw) < size else "has bytes after its end"
        raise DataFileError(f"{name}: {fault}: {len(raw)} bytes where its header says {size}")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def serialise(values: NDArray[np.uint8]) -> bytes:
    """The raw IDX file of an array of unsigned bytes of any shape."""
    header = struct.pack(
        f">HBB{values.ndim}I", 0, _UNSIGNED_BYTE, values.ndim, *(int(n) for n in values.shape)
    )
    return header + values.tobytes()


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
