"""Weights beside an ONNX file, as PyTorch's exporter writes them, and what is refused of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from quantbench.errors import ArtifactError
from quantbench.tasks.onnx_external import with_own_weights
from quantbench.tasks.source_onnx import CAPS, onnx_network

WEIGHT = np.arange(12, dtype=np.float32).reshape(4, 3)


def model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that onnx itself saved with its weights in another file."""
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    onnx.save(
        model(), tmp_path / "m.onnx", save_as_external_data=True, location="m.data",
        size_threshold=0,
    )  # fmt: skip
    assert (tmp_path / "m.data").stat().st_size >= WEIGHT.nbytes
    return tmp_path / "m.onnx"


def test_the_weights_are_those_of_the_other_file(path: Path) -> None:
    network = onnx_network(path, None)
    x = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    assert network.onnx is not None
    (y,) = ort.InferenceSession(network.onnx).run(None, {"x": x})
    np.testing.assert_array_equal(y, ort.InferenceSession(path).run(None, {"x": x})[0])
    np.testing.assert_allclose(y, x @ WEIGHT, rtol=1e-5)


def test_a_file_with_its_own_weights_stays(tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / "m.onnx")
    assert with_own_weights(tmp_path / "m.onnx", CAPS) == tmp_path / "m.onnx"


def elsewhere(path: Path) -> None:
    changed(path, "location", "../m.data")


def absolute(path: Path) -> None:
    changed(path, "location", "/etc/passwd")


def linked(path: Path) -> None:
    (path.parent / "m.data").rename(path.parent / "real")
    (path.parent / "m.data").symlink_to(path.parent / "real")


def missing(path: Path) -> None:
    (path.parent / "m.data").unlink()


def short(path: Path) -> None:
    (path.parent / "m.data").write_bytes(b"\0" * 8)


def negative(path: Path) -> None:
    changed(path, "offset", "-4")


def no_number(path: Path) -> None:
    changed(path, "length", "all")


def changed(path: Path, key: str, value: str) -> None:
    proto = onnx.load(path, load_external_data=False)
    entries = proto.graph.initializer[0].external_data
    for entry in [entry for entry in entries if entry.key == key]:
        entries.remove(entry)
    entries.add(key=key, value=value)
    path.write_bytes(proto.SerializeToString())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (elsewhere, "no file of its own folder"),
        (absolute, "no file of its own folder"),
        (linked, "can't be read"),
        (missing, "put it beside the model"),
        (short, "has 8 bytes"),
        (negative, "from -4 on"),
        (no_number, "no number"),
    ],
)
def test_what_is_refused(path: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(path)
    with pytest.raises(ArtifactError, match=words) as caught:
        onnx_network(path, None)
    assert len(str(caught.value).splitlines()) == 1
