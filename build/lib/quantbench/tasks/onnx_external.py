"""Read the weights that an ONNX file keeps in other files of its folder, as exporters do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from quantbench.artifacts.onnx_file import Caps, checked
from quantbench.errors import ArtifactError
from quantbench.system import cache
from quantbench.system.files import opened, write_atomic


def with_own_weights(path: Path, caps: Caps) -> Path:
    """The file itself, or a copy in the cache that holds the weights that it refers to.

    A file that it refers to has to lie in its folder, be no link, and hold the bytes that the model
    names. Raises ArtifactError.
    """
    data = checked(path, caps, external=True).data
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ArtifactError(f"{path} is not an ONNX model: {error}") from error
    tensors = [tensor for tensor in _tensors(model.graph) if tensor.data_location]
    if not tensors:
        return path  # what refers elsewhere otherwise is refused where the file is loaded
    total = len(data)
    for tensor in tensors:
        raw = _read(tensor, path, caps.whole - total)
        total += len(raw)
        tensor.ClearField("data_location")
        del tensor.external_data[:]
        tensor.raw_data = raw
    return kept(model.SerializeToString(deterministic=True))


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def _read(tensor: onnx.TensorProto, path: Path, room: int) -> bytes:
    """The bytes that a tensor refers to, `room` at most."""
    fields = {entry.key: entry.value for entry in tensor.external_data}
    name = fields.get("location", "")
    if not name or Path(name).name != name or name in (".", ".."):
        raise ArtifactError(
            f"{path} keeps its tensor {tensor.name[:60]!a} in {name[:80]!a}, which is no file of "
            "its own folder; put both into one folder and export the model again"
        )
    try:
        offset, length = int(fields.get("offset", 0)), int(fields.get("length", -1))
    except ValueError:
        raise ArtifactError(f"{path} refers to {name} by an offset that is no number") from None
    source = path.parent / name
    try:
        with opened(source, follow=False) as file:
            size = file.seek(0, 2)
            length = size - offset if length < 0 else length
            if offset < 0 or length > room or offset + length > size:
                raise ArtifactError(
                    f"{source} has {size:,} bytes, and {path.name} refers to {length:,} from "
                    f"{offset:,} on; copy it again, whole"
                )
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise ArtifactError(
            f"{path.name} keeps weights in {source}, which can't be read: {error.strerror}; put it "
            "beside the model"
        ) from error


def kept(data: bytes) -> Path:
    """The file of the cache that holds exactly these bytes."""
    folder = cache.root() / "onnx"
    path = folder / f"{hashlib.sha256(data).hexdigest()}.onnx"
    if not path.is_file() or path.read_bytes() != data:
        with cache.filling(folder):
            write_atomic(path, data)
    return path
