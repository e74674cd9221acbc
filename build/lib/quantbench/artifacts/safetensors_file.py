"""Read tensors from a safetensors file: a length of 8 bytes, a JSON header, then raw values.

The format is safetensors 0.4's. Nothing in such a file is executed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, TypeAdapter, ValidationError
from torch import Tensor

from quantbench.errors import ArtifactError
from quantbench.system.files import opened
from quantbench.system.record import Record

MAX_HEADER = 100_000_000
"""Bytes of the JSON header, as the format limits them."""
_LENGTH = 8
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


class _Entry(Record):
    dtype: str
    shape: tuple[int, ...] = Field(max_length=64)
    data_offsets: tuple[int, int]


_ENTRIES = TypeAdapter(dict[str, _Entry])


class _MalformedError(Exception):
    """The file breaks a rule of the format."""


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors by name, in the header's order. Raises ArtifactError for a damaged file."""
    try:
        with opened(path) as file:
            length = int.from_bytes(file.read(_LENGTH), "little")
            header = file.read(length) if length <= MAX_HEADER else b""
            data = bytearray(file.read())
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror}") from error
    try:
        return _tensors(_parsed(header, length), data)
    except _MalformedError as error:
        raise ArtifactError(f"{path} is no safetensors file: {error}") from error


def _parsed(header: bytes, length: int) -> dict[str, _Entry]:
    if not length or len(header) < length:
        raise _MalformedError("its header is missing, cut off or too long")
    try:
        content = json.loads(header, object_pairs_hook=_without_repeats)
        if isinstance(content, dict):
            content.pop("__metadata__", None)
        return _ENTRIES.validate_python(content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))[:80]
        raise _MalformedError(f"its header is wrong at {place or 'the top'!a}") from error
    except (ValueError, RecursionError) as error:
        raise _MalformedError("its header is no JSON") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _MalformedError("its header has a name twice")
    return content


def _tensors(entries: dict[str, _Entry], data: bytearray) -> dict[str, Tensor]:
    """The tensors, which must cover the data without gaps or overlaps."""
    position = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        begin, end = entry.data_offsets
        dtype = _DTYPES.get(entry.dtype)
        if dtype is None:
            raise _MalformedError(f"tensor {name[:80]!a} is of dtype {entry.dtype[:20]!a}")
        if min(entry.shape, default=0) < 0:
            raise _MalformedError(f"tensor {name[:80]!a} has a negative size")
        if begin != position or end - begin != math.prod(entry.shape) * dtype.itemsize:
            raise _MalformedError(f"the bytes of tensor {name[:80]!a} are not where they belong")
        position = end
    if position != len(data):
        raise _MalformedError(f"it has {len(data):,} bytes of data, its header says {position:,}")
    return {name: _tensor(entry, data) for name, entry in entries.items()}


def _tensor(entry: _Entry, data: bytearray) -> Tensor:
    dtype, count = _DTYPES[entry.dtype], math.prod(entry.shape)
    if not count:
        return torch.empty(entry.shape, dtype=dtype)
    begin, end = entry.data_offsets
    if begin % dtype.itemsize:  # frombuffer takes no odd offsets
        return torch.frombuffer(data[begin:end], dtype=dtype).reshape(entry.shape)
    return torch.frombuffer(data, dtype=dtype, count=count, offset=begin).reshape(entry.shape)
