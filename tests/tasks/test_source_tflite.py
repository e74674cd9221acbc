"""TensorFlow Lite files as networks: float or quantized, of one batch or of any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from quantbench.errors import ArtifactError, NetworkError
from quantbench.tasks.forward import float_outputs
from quantbench.tasks.layers import layers
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.source import describe_source, load_network
from tests.tflite import files


@pytest.mark.parametrize("name", files.FAMILIES)
def test_a_float_file_is_known_by_running_it(name: str) -> None:
    network = load_network(files.path(name))
    arrays = files.samples(name, 5)
    assert [spec.shape for spec in network.inputs] == [array.shape[1:] for array in arrays]
    assert {spec.dtype for spec in (*network.inputs, *network.outputs)} == {"float32"}
    assert not network.quantized
    assert network.no_module == f"{name}.tflite holds a TensorFlow Lite graph, not a PyTorch module"
    task = files.task(name)
    (answers,) = float_outputs(network, task.test, 16)
    (expected,) = files.torch_answers(name, task.test.inputs())
    np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", files.FAMILIES)
def test_multiply_adds_are_the_modules_own(name: str) -> None:
    network = load_network(files.path(name))
    found = network_layers(network)
    module = layers(files.module(name), network.inputs)
    assert sorted(layer.macs for layer in found if layer.macs) == sorted(
        layer.macs for layer in module if layer.macs
    )
    assert len({layer.name for layer in found}) == len(found)


def test_a_file_without_a_shape_of_its_own_takes_any_batch() -> None:
    """Of a perceptron no operator states the batch; a convolution's Reshape does."""
    assert load_network(files.path("mlp")).fixed_batch is None
    network = load_network(files.path("ds_cnn"))
    assert network.fixed_batch == 1
    assert "batches of 1 only" in describe_source(network)


def test_samples_that_do_not_fit_are_refused() -> None:
    wrong = np.zeros((4, 3), np.float32)
    with pytest.raises(NetworkError, match=r"mlp\.tflite takes samples of"):
        load_network(files.path("mlp"), example=wrong)


@pytest.mark.parametrize("kept", [100, -400])
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(files.path("mlp").read_bytes()[:kept])
    with pytest.raises(ArtifactError, match=r"LiteRT can't load .*net\.tflite") as caught:
        load_network(path)
    assert len(str(caught.value).splitlines()) == 1


def changed(tmp_path: Path, name: str, change: object) -> Path:
    """A copy of a file after `change(subgraph)`."""
    model = flatbuffer_utils.read_model(str(files.path(name)))
    change(model.subgraphs[0])  # type: ignore[operator]
    path = tmp_path / "net.tflite"
    flatbuffer_utils.write_model(model, str(path))
    return path


def test_an_input_without_a_batch_is_refused(tmp_path: Path) -> None:
    def scalar(graph: schema.SubGraphT) -> None:
        graph.tensors[graph.inputs[0]].shape = []

    with pytest.raises((NetworkError, ArtifactError)) as caught:
        load_network(changed(tmp_path, "mlp", scalar))
    assert len(str(caught.value).splitlines()) == 1


def test_names_of_a_file_are_shown_in_one_line(tmp_path: Path) -> None:
    def named(graph: schema.SubGraphT) -> None:
        graph.tensors[graph.operators[0].outputs[0]].name = b"evil\n\x1b[2Jname"

    found = network_layers(load_network(changed(tmp_path, "mlp", named)))
    assert found[0].name == "evil??[2Jname"
