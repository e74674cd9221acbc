"""The hand-written reader of ONNX files, with onnx itself as the judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from google.protobuf.message import DecodeError, Message
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from quantbench.artifacts.artifact import Artifact, load_artifact
from quantbench.artifacts.onnx_file import checked, newest, smallest
from quantbench.errors import ArtifactError
from quantbench.runtimes import onnxruntime as runtime
from tests.process import python


def tensor(name: str = "w") -> onnx.TensorProto:
    return numpy_helper.from_array(np.ones(2, np.float32), name)


def outside(name: str = "far\n'away'") -> onnx.TensorProto:
    kept = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[2])
    kept.data_location = TensorProto.EXTERNAL
    kept.external_data.add(key="location", value="../../etc/passwd")
    return kept


def sparse(values: onnx.TensorProto, indices: onnx.TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, indices=indices, dims=[9])


def graph(*nodes: onnx.NodeProto, **fields: object) -> onnx.GraphProto:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    made = helper.make_graph(nodes, "g", [value], [value])
    for name, content in fields.items():
        getattr(made, name).extend(content)
    return made


def model(inside: onnx.GraphProto) -> onnx.ModelProto:
    return helper.make_model(
        inside, ir_version=10, opset_imports=[helper.make_opsetid("", 20)], producer_name="test"
    )


def node(**attribute: object) -> onnx.NodeProto:
    made = onnx.NodeProto(op_type="Constant", output=["y"])
    made.attribute.add(name="value").MergeFrom(onnx.AttributeProto(**attribute))  # type: ignore[arg-type]
    return made


def function(**fields: object) -> onnx.ModelProto:
    made = model(graph())
    made.functions.add(name="f", domain="d", **fields)  # type: ignore[arg-type]
    return made


def training(**fields: onnx.GraphProto) -> onnx.ModelProto:
    made = model(graph())
    made.training_info.add(**fields)
    return made


def in_attribute(**attribute: object) -> onnx.ModelProto:
    return model(graph(node(**attribute)))


def nested(levels: int, last: onnx.TensorProto) -> onnx.ModelProto:
    inside = graph(node(t=last))
    for _ in range(levels):
        inside = graph(node(g=inside))
    return model(inside)


def too_deep() -> bytes:
    """Deeper than onnx itself would write: each graph in an attribute of the last one's node."""
    inside = b""
    for number in [7, *[1, 5, 6] * 40][::-1]:
        size, length = [], len(inside)
        while length > 127:
            size, length = [*size, length & 127 | 128], length >> 7
        inside = bytes([number << 3 | 2, *size, length]) + inside
    return b"\x08\x0a" + inside + b"\x42\x02\x10\x14"  # the versions, 10 and 20


def only_the_note() -> onnx.TensorProto:
    """What reads as a tensor of this file, but names another."""
    kept = outside()
    kept.data_location = TensorProto.DEFAULT
    return kept


PLACES: dict[str, Callable[[onnx.TensorProto], onnx.ModelProto]] = {
    "initializer": lambda t: model(graph(initializer=[tensor(), t])),
    "sparse values": lambda t: model(graph(sparse_initializer=[sparse(t, tensor())])),
    "sparse indices": lambda t: model(graph(sparse_initializer=[sparse(tensor(), t)])),
    "attribute": lambda t: in_attribute(t=t),
    "attribute list": lambda t: in_attribute(tensors=[tensor(), t]),
    "sparse attribute": lambda t: in_attribute(sparse_tensor=sparse(t, tensor())),
    "sparse attributes": lambda t: in_attribute(sparse_tensors=[sparse(tensor(), t)]),
    "subgraph": lambda t: in_attribute(g=graph(initializer=[t])),
    "subgraphs": lambda t: in_attribute(graphs=[graph(), graph(initializer=[t])]),
    "deep subgraph": lambda t: nested(20, t),
    "function": lambda t: function(node=[node(t=t)]),
    "default of a function": lambda t: function(attribute_proto=[onnx.AttributeProto(t=t)]),
    "training": lambda t: training(initialization=graph(initializer=[t])),
    "training step": lambda t: training(algorithm=graph(node(t=t))),
}


def tensors(message: Message) -> Iterator[onnx.TensorProto]:
    """Every tensor in a message, however it got there."""
    if isinstance(message, TensorProto):
        yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                yield from tensors(part)


def is_outside(found: onnx.TensorProto) -> bool:
    return found.data_location != TensorProto.DEFAULT or bool(found.external_data)


def look(data: bytes, folder: Path) -> str:
    path = folder / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ArtifactError) as caught:
        checked(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_the_judge_knows_every_way_to_a_tensor() -> None:
    """A new field of onnx.proto that leads to a tensor would be one that isn't looked at."""
    known = {
        (type(message).__name__, field.name)
        for make in PLACES.values()
        for message, field in _ways(make(outside()))
    }
    assert known == _every_way()


def _ways(message: Message) -> Iterator[tuple[Message, object]]:
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                if any(True for _ in tensors(part)):
                    yield message, field
                    yield from _ways(part)


def _every_way() -> set[tuple[str, str]]:
    """Of the descriptors: fields from which a tensor can be reached."""
    descriptors, waiting = {}, [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        one = waiting.pop()
        if one.full_name not in descriptors:
            descriptors[one.full_name] = one
            waiting += [field.message_type for field in one.fields if field.message_type]
    reaching, before = {"onnx.TensorProto"}, 0
    while len(reaching) != before:
        before = len(reaching)
        reaching |= {
            name
            for name, one in descriptors.items()
            if any(f.message_type and f.message_type.full_name in reaching for f in one.fields)
        }
    return {
        (one.name, field.name)
        for one in descriptors.values()
        for field in one.fields
        if field.message_type and field.message_type.full_name in reaching
    }


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("kept", [outside(), only_the_note()], ids=["external", "noted"])
def test_a_tensor_kept_elsewhere_is_refused(
    make: Callable[[onnx.TensorProto], onnx.ModelProto], kept: onnx.TensorProto, tmp_path: Path
) -> None:
    said = look(make(kept).SerializeToString(), tmp_path)
    assert "refers to another file for its tensor \"far\\n'away'\"" in said


@pytest.mark.parametrize("make", PLACES.values(), ids=PLACES)
def test_a_tensor_of_its_own_is_not(
    make: Callable[[onnx.TensorProto], onnx.ModelProto], tmp_path: Path
) -> None:
    data = make(tensor()).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(data)
    found = checked(tmp_path / "model.onnx")
    assert (found.data, found.ir_version, found.opset) == (data, 10, 20)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 a zip",
        b"<html>",
        smallest(10, 20)[:-1],
        smallest(10, 20) + b"\x0b\x0c",  # a group
        smallest(10, 20) + b"\x3a\x80\x00",  # a length that is longer than it need be
        smallest(10, 20) + b"\x39" + bytes(8),  # the graph as a number of fixed size
        smallest(10, 20) * 2,  # two graphs, which readers merge
        onnx.ModelProto(ir_version=10).SerializeToString(),
        b"\xff" * 40,
    ],
    ids=range(10),
)
def test_what_is_not_onnx_is_refused(data: bytes, tmp_path: Path) -> None:
    assert "is not an ONNX model" in look(data, tmp_path)


def test_what_is_nested_too_deep_is_refused(tmp_path: Path) -> None:
    assert "nested more than 100 deep" in look(too_deep(), tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no\.onnx can't be read: No such file"):
        checked(tmp_path / "no.onnx")


@given(
    st.sampled_from(sorted(PLACES)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    st.integers(0, 3),
)
def test_nothing_that_onnx_reads_as_external_gets_through(
    tmp_path_factory: pytest.TempPathFactory,
    place: str,
    changes: list[tuple[int, int]],
    cut: int,
) -> None:
    data = bytearray(PLACES[place](outside()).SerializeToString())
    for at, byte in changes:
        data[at % len(data)] = byte
    data = data[: len(data) - cut]
    path = tmp_path_factory.getbasetemp() / "changed.onnx"
    path.write_bytes(data)
    try:
        checked(path)
    except ArtifactError:
        return
    try:
        read = onnx.ModelProto.FromString(bytes(data))
    except DecodeError:
        return
    assert not any(is_outside(found) for found in tensors(read))


def test_the_smallest_model_is_one() -> None:
    made = onnx.load_from_string(smallest(10, 20))
    onnx.checker.check_model(made, full_check=True)
    assert (made.ir_version, made.opset_import[0].version) == (10, 20)


@pytest.mark.parametrize("limit", [0, 1, 7, 28])
@pytest.mark.parametrize("refused", [29, 30, 1000, 1 << 60])
def test_the_newest_version_that_is_read(limit: int, refused: int) -> None:
    assert newest(lambda version: version <= limit, refused) == limit


@pytest.fixture
def artifact(artifacts: Callable[[str, str, str], Artifact]) -> Artifact:
    return artifacts("mlp", "float32", "onnx")


def loading(made: onnx.ModelProto, artifact: Artifact, folder: Path) -> str:
    """What loading says of an artifact whose file is `made`; its hash is checked elsewhere."""
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    with pytest.raises(ArtifactError) as caught:
        runtime.load(replace(artifact, folder=folder), 1)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_a_version_that_is_too_new_is_named_with_the_newest_that_is_read(
    artifact: Artifact, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    made = onnx.load(artifact.folder / "model.onnx")
    newer = onnx.ModelProto()
    newer.CopyFrom(made)
    newer.ir_version = 99
    said = loading(newer, artifact, tmp_path)
    assert "IR version 99, ONNX Runtime" in said
    assert int(said.split("up to ")[1].split(";")[0]) in range(10, 99)
    made.opset_import[0].version = 999
    said = loading(made, artifact, tmp_path)
    assert "operator set 999, ONNX Runtime" in said
    assert int(said.split("up to ")[1].split(";")[0]) in range(18, 999)
    assert capfd.readouterr() == ("", "")


def test_a_model_that_the_engine_refuses_is_said_in_one_line(
    artifact: Artifact, tmp_path: Path
) -> None:
    made = onnx.load(artifact.folder / "model.onnx")
    made.graph.node[0].op_type = "NoSuchOperator"
    assert "can't load" in loading(made, artifact, tmp_path)


def test_a_worker_needs_neither_torch_nor_onnx(artifact: Artifact, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from quantbench import plugins; "
        "from quantbench.artifacts.artifact import load_artifact; "
        "plugins.runtime('onnxruntime').load(load_artifact(Path(sys.argv[1])), 1); "
        "print({'torch', 'onnx'} & set(sys.modules))"
    )
    assert load_artifact(artifact.folder) == artifact
    child = python("-c", code, str(artifact.folder), cwd=tmp_path)
    assert (child.stdout.strip(), child.stderr) == ("set()", "")


def test_a_pipe_in_place_of_a_model_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(ArtifactError, match=r"model\.onnx can't be read: not a plain file"):
        checked(tmp_path / "model.onnx")
