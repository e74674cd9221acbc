"""A quantized form that a user has of the network: it is loaded, or refused in a line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from quantbench.errors import NetworkError, UnavailableError
from quantbench.methods import given
from quantbench.samples.records import Samples
from quantbench.studies.quantize import quantize
from quantbench.system.record import Settings
from quantbench.tasks.given import with_given
from quantbench.tasks.source import load_network
from quantbench.tasks.task import Task
from tests.progress import Recorded

X = np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32)


def written(path: Path, outputs: int = 3) -> Path:
    """A layer of [n, 6] -> [n, outputs], as ONNX."""
    weights = np.random.default_rng(0).normal(size=(6, outputs)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", outputs])],
        [numpy_helper.from_array(weights, "w")],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


def quantized(path: Path, outputs: int = 3) -> Path:
    quantize_dynamic(
        written(path.with_name("float.onnx"), outputs), path, weight_type=QuantType.QUInt8
    )
    return path


@pytest.fixture
def task(tmp_path: Path) -> Task:
    samples = Samples("test", (X,))
    return Task(load_network(written(tmp_path / "net.onnx")), "generated", samples, samples)


def test_its_file_is_measured_as_it_came(tmp_path: Path, task: Task) -> None:
    file = quantized(tmp_path / "mine.onnx")
    with_form = with_given(task, file, Recorded())
    assert with_form.network == task.network
    artifact = quantize(with_form, "given", given.SETTINGS(), "onnx", tmp_path / "artifacts")
    body = artifact.body
    assert (body.method, body.quantized.kind) == ("given", "real")
    assert body.quantized.coverage.float_macs == 0
    assert body.network_sha256 != task.network.sha256


def test_without_one_the_method_has_nothing_to_copy(tmp_path: Path, task: Task) -> None:
    with pytest.raises(UnavailableError, match="name one by --quantized"):
        quantize(task, "given", Settings(), "onnx", tmp_path)


def test_another_network_is_refused(tmp_path: Path, task: Task) -> None:
    file = quantized(tmp_path / "other.onnx", outputs=4)
    with pytest.raises(
        NetworkError, match=r"gives float32 \[4\] where network 'net' gives float32 \[3\]"
    ):
        with_given(task, file, Recorded())


def test_a_float_file_is_no_quantized_form(tmp_path: Path, task: Task) -> None:
    with pytest.raises(NetworkError, match="is not quantized"):
        with_given(task, tmp_path / "net.onnx", Recorded())


def test_the_network_must_be_the_float_one(tmp_path: Path) -> None:
    file, samples = quantized(tmp_path / "mine.onnx"), Samples("test", (X,))
    with pytest.raises(NetworkError, match="'mine' is quantized itself"):
        with_given(Task(load_network(file), "generated", samples, samples), file, Recorded())
