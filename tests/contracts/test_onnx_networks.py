"""Networks that came as ONNX files: each method that works on ONNX, and why others don't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError
from quantbench.samples.records import Samples
from quantbench.studies.quantize import quantize
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task

IMAGES = np.random.default_rng(1).normal(size=(60, 3, 8, 8)).astype(np.float32)
LAYERS = {True: ["/c1/Conv", "/c2/Conv", "/fc/MatMul"], False: ["c1", "c2", "mm"]}
"""Whether nodes are named -> the layers that multiply."""
BY_ONNX = ("float32", "ort_dynamic", "ort_static", "nncf_static")


def write(path: Path, *, named: bool) -> None:
    """Two convolutions, a batch norm and a matrix product, with names that say nothing."""
    rng = np.random.default_rng(0)

    def tensor(name: str, *shape: int) -> onnx.TensorProto:
        scale = np.sqrt(np.prod(shape[1:]) or 1)
        return numpy_helper.from_array((rng.normal(size=shape) / scale).astype(np.float32), name)

    def node(op: str, name: str, inputs: list[str], output: str, **attributes: object) -> None:
        nodes.append(
            helper.make_node(op, inputs, [output], name=name if named else "", **attributes)
        )

    nodes: list[onnx.NodeProto] = []
    node("Conv", "/c1/Conv", ["x", "W1", "b1"], "c1", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    node("BatchNormalization", "/bn", ["c1", "g", "b", "m", "v"], "n1")
    node("Relu", "/relu", ["n1"], "r1")
    node("Conv", "/c2/Conv", ["r1", "onnx::Conv_9"], "c2", kernel_shape=[3, 3], strides=[2, 2])
    node("Flatten", "/flatten", ["c2"], "f")
    node("MatMul", "/fc/MatMul", ["f", "onnx::MatMul_31"], "mm")
    node("Add", "/fc/Add", ["mm", "fc.bias"], "y")
    stored = [
        tensor("W1", 4, 3, 3, 3), tensor("b1", 4), tensor("b", 4), tensor("m", 4),
        tensor("onnx::Conv_9", 8, 4, 3, 3), tensor("onnx::MatMul_31", 72, 5), tensor("fc.bias", 5),
        numpy_helper.from_array(np.full(4, 1.5, np.float32), "g"),
        numpy_helper.from_array(np.full(4, 0.7, np.float32), "v"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "others",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        stored,
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)


@pytest.fixture(params=[True, False], ids=["named", "nameless"])
def named(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def task(tmp_path: Path, named: bool) -> Task:
    path = tmp_path / "net.onnx"
    write(path, named=named)
    network = Network(
        name="net",
        inputs=(TensorSpec(name="x", shape=(3, 8, 8)),),
        outputs=(TensorSpec(name="y", shape=(5,)),),
        sha256="0" * 64,
        no_module="net.onnx holds an ONNX graph, not a PyTorch module",
        onnx=path,
    )
    samples = Samples("calibration", (IMAGES,))
    return Task(network, "random", samples, samples.part(0, 20))


def made(task: Task, method: str, format: str, folder: Path) -> Artifact:
    return quantize(task, method, plugins.method(method).SETTINGS(), format, folder / "made")


@pytest.mark.parametrize("method", BY_ONNX)
def test_what_works_on_onnx_starts_from_the_file(
    task: Task, named: bool, method: str, tmp_path: Path
) -> None:
    artifact = made(task, method, "onnx", tmp_path)
    told = artifact.body.quantized.layers
    assert [layer.name for layer in told] == LAYERS[named]
    unseen = [layer for layer in told if (layer.reason or "").startswith("unknown")]
    assert not unseen
    if method == "float32":
        assert not any(layer.integer for layer in told)
        path = task.network.onnx
        assert path is not None
        assert (artifact.folder / "model.onnx").read_bytes() == path.read_bytes()
    else:
        assert all(layer.integer for layer in told[:2])
    session = ort.InferenceSession(task.network.onnx, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": IMAGES})[0]
    for runtime in ("onnxruntime", "openvino"):
        answers = plugins.runtime(runtime).load(artifact, 1)(IMAGES)
        assert np.sqrt(((answers - expected) ** 2).mean()) < 0.1 * expected.std()


@pytest.mark.parametrize(
    ("method", "format"),
    [
        (method, format)
        for method in plugins.default_methods()
        for format in plugins.method(method).FORMATS
        if (method, format) not in {(m, "onnx") for m in BY_ONNX}
        and method != "qat"
        and format not in ("mnn", "tflite")
    ],
)
def test_what_needs_a_module_gives_the_networks_reason(
    task: Task, method: str, format: str, tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError, match=r"net\.onnx holds an ONNX graph, not a PyTo"):
        made(task, method, format, tmp_path)


def test_mnn_starts_from_the_file(task: Task, tmp_path: Path) -> None:
    artifact = made(task, "float32", "mnn", tmp_path)
    session = ort.InferenceSession(task.network.onnx, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": IMAGES})[0]
    for size in (60, 7):
        answers = plugins.runtime("mnn").load(artifact, 1)(IMAGES[:size])
        np.testing.assert_allclose(answers, expected[:size], rtol=1e-4, atol=1e-4)


def test_a_quantized_network_is_measured_as_given(task: Task, named: bool, tmp_path: Path) -> None:
    quantized = made(task, "ort_static", "onnx", tmp_path)
    path = quantized.folder / "model.onnx"
    network = replace(task.network, onnx=path, quantized=True, sha256="1" * 64)
    artifact = made(replace(task, network=network), "as_given", "onnx", tmp_path)
    assert (artifact.folder / "model.onnx").read_bytes() == path.read_bytes()
    told = artifact.body.quantized
    assert told.kind == "real"
    assert told.coverage.integer_macs == quantized.body.quantized.coverage.integer_macs > 0
    with pytest.raises(UnavailableError, match="there is no pt2 of it as given"):
        made(replace(task, network=network), "as_given", "pt2", tmp_path)
    with pytest.raises(UnavailableError, match="'net' came quantized already; as_given measures"):
        made(replace(task, network=network), "float32", "onnx", tmp_path)
    assert "as_given" in plugins.names("methods")
    assert "as_given" not in plugins.default_methods()


def test_a_batch_that_the_file_leaves_open_is_fixed_where_only_one_works(
    task: Task, tmp_path: Path
) -> None:
    network = replace(task.network, fixed_batch=4)
    artifact = made(replace(task, network=network), "float32", "onnx", tmp_path)
    (value,) = onnx.load(artifact.folder / "model.onnx").graph.input
    assert value.type.tensor_type.shape.dim[0].dim_value == 4
    for method in ("ort_static", "nncf_static"):
        artifact = made(replace(task, network=network), method, "onnx", tmp_path)
        for runtime in ("onnxruntime", "openvino"):
            predict: Callable[..., object] = plugins.runtime(runtime).load(artifact, 1)
            whole = np.asarray(predict(IMAGES[:8]))
            np.testing.assert_allclose(np.asarray(predict(IMAGES[:3])), whole[:3], atol=1e-4)
