"""ONNX files that others may have made: what they hold is looked at before an engine sees it.

The bytes are read as protocol buffers by hand, as far as the question goes: importing onnx
takes as long as importing ONNX Runtime, and would be counted as its time to load. What
protocol buffers would merely pass over (groups, known fields of another type, numbers that
are longer than they need to be) is refused, so that no other reader sees more than this one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from quantbench.errors import ArtifactError
from quantbench.system.files import opened

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEPTH = 100

# Message -> its fields that lead to a tensor, as numbered in onnx.proto -> their messages.
_LEADS = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "Sparse"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "Sparse", 23: "Sparse"},
    "Sparse": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_TENSOR_NAME, _EXTERNAL_DATA, _DATA_LOCATION, _DEFAULT = 8, 13, 14, 0
_IR_VERSION, _GRAPH, _OPSET_IMPORT = 1, 7, 8
_INITIALIZER, _RAW_DATA = 5, 9  # of a graph, of a tensor
_MOST_FIELDS = 100_000

Value = int | memoryview | None  # none: a number of fixed size, which no field here is


class _MalformedError(Exception):
    """Not protocol buffers, or not as every reader would understand them."""


@dataclass(frozen=True)
class OnnxFile:
    """A model that refers to nothing outside itself."""

    data: bytes
    ir_version: int
    opset: int  # of the standard operators


@dataclass(frozen=True)
class Caps:
    """The most bytes that a file may have, and that it may have beside its weights.

    A message of two bytes takes a hundred once it is read: the second bounds memory and time.
    """

    whole: int
    beside_weights: int


def checked(path: Path, caps: Caps | None = None, *, external: bool = False) -> OnnxFile:
    """Raises ArtifactError for a file that isn't ONNX or that refers to another file; with
    `caps` for one that is larger.

    `external`: the caller reads what it refers to, and checks that.
    """
    try:
        with opened(path) as file:
            if caps and os.fstat(file.fileno()).st_size > caps.whole:
                raise ArtifactError(f"{path} is not a file of at most {caps.whole:,} bytes")
            data = file.read()
    except OSError as error:
        raise ArtifactError(f"{path} can't be read: {error.strerror}") from error
    try:
        if caps and _beside_weights(data) > caps.beside_weights:
            raise ArtifactError(
                f"{path} holds more than {caps.beside_weights:,} bytes that aren't weights"
            )
        found = _look(data)
        outside = next(_external(memoryview(data), "Model", 0), None)
    except _MalformedError as error:
        raise ArtifactError(f"{path} is not an ONNX model: {error}") from error
    if outside is not None and not external:
        raise ArtifactError(
            f"{path} refers to another file for its tensor {outside[:60]!a}: only a model that "
            "holds its own weights is loaded"
        )
    return found


def smallest(ir_version: int, opset: int) -> bytes:
    """The model y = x of one number, to ask an engine whether it reads these versions."""
    value = _message(2, _message(1, _number(1, 1) + _message(2, _message(1, _number(1, 1)))))
    node = _message(1, b"x") + _message(2, b"y") + _message(4, b"Identity")
    graph = (
        _message(1, node)
        + _message(2, b"smallest")
        + _message(11, _message(1, b"x") + value)
        + _message(12, _message(1, b"y") + value)
    )
    return (
        _number(_IR_VERSION, ir_version)
        + _message(_GRAPH, graph)
        + _message(_OPSET_IMPORT, _number(2, opset))
    )


def newest(reads: Callable[[int], bool], refused: int) -> int:
    """The newest version below `refused` that is read, where those up to it all are; else 0."""
    low, high = 0, refused
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reads(middle) else (low, middle)
    return low


def _look(data: bytes) -> OnnxFile:
    found, graphs = OnnxFile(data, 0, 0), 0
    for number, value in _fields(memoryview(data)):
        if number == _IR_VERSION:
            found = replace(found, ir_version=_whole(value))
        elif number == _GRAPH:
            graphs += 1
        elif number == _OPSET_IMPORT:
            parts = dict(_fields(_inner(value)))
            if bytes(_inner(parts.get(1, memoryview(b"")))) in (b"", b"ai.onnx"):
                found = replace(found, opset=_whole(parts.get(2, 0)))
    if not found.ir_version or not found.opset or graphs != 1:
        raise _MalformedError("it has no version, no operator set or not one graph")
    return found


def _beside_weights(data: bytes) -> int:
    """Bytes that aren't raw data of initializers, of those that the first fields lead to."""
    found = _sizes(memoryview(data), (_GRAPH, _INITIALIZER, _RAW_DATA))
    return len(data) - sum(islice(found, _MOST_FIELDS))


def _sizes(data: memoryview, path: tuple[int, ...]) -> Iterator[int]:
    """The bytes of the field that `path` leads to, for each field that is looked at; else 0."""
    for number, value in _fields(data):
        inside = isinstance(value, memoryview) and number == path[0]
        yield len(_inner(value)) if inside and not path[1:] else 0
        if inside and path[1:]:
            yield from _sizes(_inner(value), path[1:])


def _external(data: memoryview, message: str, depth: int) -> Iterator[str]:
    """The names of the tensors that are kept elsewhere."""
    if depth > _DEPTH:
        raise _MalformedError(f"it is nested more than {_DEPTH} deep")
    name, elsewhere = "", False
    for number, value in _fields(data):
        if message == "Tensor" and number == _TENSOR_NAME:
            name = bytes(_inner(value)).decode(errors="replace")
        elif message == "Tensor" and number in (_EXTERNAL_DATA, _DATA_LOCATION):
            elsewhere |= number == _EXTERNAL_DATA or _whole(value) != _DEFAULT
        elif number in _LEADS[message]:
            yield from _external(_inner(value), _LEADS[message][number], depth + 1)
    if elsewhere:
        yield name


def _fields(data: memoryview) -> Iterator[tuple[int, Value]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        value: Value
        if kind == _VARINT:
            value, at = _varint(data, at)
        elif kind in (_FIXED64, _BYTES, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
            if kind == _BYTES:
                size, at = _varint(data, at)
            if size > len(data) - at:
                raise _MalformedError("it ends too early")
            value, at = data[at : at + size], at + size
        else:
            raise _MalformedError("it holds a field of no known kind")
        if not 0 < number < 1 << 29:
            raise _MalformedError("it holds a field without a number")
        yield number, value if kind in (_VARINT, _BYTES) else None


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise _MalformedError("it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if byte == 0 and shift:
                raise _MalformedError("it holds a number that is longer than it need be")
            return value, at
    raise _MalformedError("it holds a number that is too large")


def _whole(value: Value) -> int:
    if not isinstance(value, int):
        raise _MalformedError("it holds something else where a number belongs")
    return value


def _inner(value: Value) -> memoryview:
    if not isinstance(value, memoryview):
        raise _MalformedError("it holds a number where bytes belong")
    return value


def _message(number: int, content: bytes) -> bytes:
    return _encoded(number << 3 | _BYTES) + _encoded(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _encoded(number << 3 | _VARINT) + _encoded(value)


def _encoded(value: int) -> bytes:
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _encoded(rest) if rest else bytes([low])
