"""What the importer could get wrong is found by the file itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import HealthCheck, given, settings
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.check.integer import verify
from quantbench.c99.frontend.reader import Network, read
from quantbench.c99.importer import import_network
from quantbench.c99.ir.graph import Graph, Node
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.ops.add import Add
from quantbench.c99.ops.concat import Concat
from quantbench.c99.ops.pad import Pad
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import Multiplier
from tests.c99.models import SCALE, Model, images
from tests.c99.networks import networks, written

Change = Callable[[Node], Node]


def imported(path: Path) -> tuple[Network, Graph]:
    network = read(path)
    return network, import_network(network)


def changed(graph: Graph, kind: type[Node], change: Change) -> Graph:
    """With the first node of a kind changed."""
    at = next(i for i, node in enumerate(graph.nodes) if isinstance(node, kind))
    nodes = [*graph.nodes]
    nodes[at] = change(nodes[at])
    return replace(graph, nodes=tuple(nodes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Layers of each kind, after tmp_path's own taste: ReLU6 before an average, a residual sum,
    a concatenation, pads.
    """
    model = Model(shape=("n", 3, 8, 8))
    model.pair("x", scale=1 / 32, zero=128)
    rng = np.random.default_rng(1)
    model.add(
        "Conv",
        None,
        model.weights(rng.integers(-127, 128, (4, 3, 3, 3)), scale=0.01),
        model.constant(rng.normal(0, 1, 4)),
        pads=[1, 0, 1, 1],
    )
    model.pair(scale=6 / 255, zero=0)
    model.add("AveragePool", kernel_shape=[2, 1], strides=[2, 1])
    trunk = model.pair(scale=6 / 255, zero=0)
    model.add("Conv", None, model.weights(rng.integers(-127, 128, (4, 4, 1, 1)), scale=0.004))
    branch = model.pair(scale=0.04, zero=100)
    model.add("Add", trunk, branch)
    total = model.pair(scale=0.05, zero=90)
    model.add("Concat", trunk, total, axis=1)
    model.pair(scale=0.05, zero=90)
    model.add("Pad", None, model.constant([0, 0, 1, 0, 0, 0, 0, 2], "int64"), model.constant(1.0))
    model.pair(scale=0.05, zero=90)
    model.add("AveragePool", kernel_shape=[3, 2], strides=[1, 2], pads=[0, 0, 1, 1])
    model.pair(scale=0.02, zero=60)
    model.add("Flatten")
    values = rng.integers(-127, 128, (8 * 4 * 5, 4))
    model.add("MatMul", None, model.weights(values, scale=0.01))
    return model.saved(tmp_path)


def test_what_was_imported_rightly_passes(path: Path) -> None:
    network, graph = imported(path)
    verify(network, graph)


def _scaled(multiplier: Multiplier) -> Multiplier:
    return Multiplier(m=int(multiplier.m * 0.97), s=multiplier.s)


def _requantized(node: Node, **changes: object) -> Node:
    assert isinstance(node, Conv | Dense | Requantize | Pool | Add)
    assert node.requantize
    return replace(node, requantize=replace(node.requantize, **changes))


MISTAKES: dict[str, tuple[type[Node], Change]] = {
    "a lost upper limit": (Conv, lambda n: replace(n, high=None)),
    "a lost lower limit": (Conv, lambda n: replace(n, low=None)),
    "a weight of the other sign": (Conv, lambda n: replace(n, weights=_one_turned(n.weights))),
    "another bias": (Conv, lambda n: replace(n, bias=n.bias + np.int32([0, 0, 900, 0]))),
    "pads on the other side": (
        Conv, lambda n: replace(n, window=replace(n.window, pads=(1, 1, 1, 0)))
    ),
    "another padding": (Conv, lambda n: replace(n, padding=n.padding + 30)),
    "a wrong factor": (
        Conv, lambda n: _requantized(n, multipliers=tuple(map(_scaled, n.requantize.multipliers)))
    ),
    "a wrong zero point": (Conv, lambda n: _requantized(n, zero_point=1)),
    "another zero point of a sum": (Add, lambda n: _requantized(n, zero_points=(1, 100))),
    "the inputs of a sum exchanged": (Add, lambda n: replace(n, inputs=n.inputs[::-1])),
    "a limit of a sum": (Add, lambda n: _requantized(n, low=90)),
    "an order of concatenation": (Concat, lambda n: replace(n, inputs=n.inputs[::-1])),
    "the value around an image": (Pad, lambda n: replace(n, value=n.value + 2)),
    "the sides of a frame": (Pad, lambda n: replace(n, pads=(1, 2, 0, 0))),
    "whether pads count": (
        Pool, lambda n: replace(_requantized(
            n, multipliers=n.requantize.multipliers[-1:]), count_pads=True)
    ),
    "the sides of a window exchanged": (
        Pool, lambda n: replace(n, window=replace(n.window, strides=(1, 2), kernel=(2, 3),
                                                  pads=(0, 0, 0, 2)))
    ),
    "a weight of the last layer": (Dense, lambda n: replace(n, weights=_one_turned(n.weights))),
    "the last layer's bias": (Dense, lambda n: replace(n, bias=n.bias + np.int32(1))),
}  # fmt: skip


def _one_turned(weights: NDArray[np.int16]) -> NDArray[np.int16]:
    found = weights.copy()
    found.reshape(-1)[5] *= -1
    return found


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_layer(path: Path, mistake: str) -> None:
    network, graph = imported(path)
    kind, change = MISTAKES[mistake]
    wrong = changed(graph, kind, change)
    (name,) = (b.name for a, b in zip(graph.nodes, wrong.nodes, strict=True) if a is not b)
    with pytest.raises(CompileError, match="a fault in quantbench") as caught:
        verify(network, wrong)
    assert str(caught.value).startswith(name)


def test_a_softmax_that_was_lost_is_found(tmp_path: Path) -> None:
    model = Model()
    model.pair("x")
    model.add("Flatten")
    model.add("MatMul", None, model.weights(np.arange(96).reshape(32, 3)))
    model.add("Softmax")
    network, graph = imported(model.saved(tmp_path))
    verify(network, graph)
    with pytest.raises(CompileError, match="the output"):
        verify(network, replace(graph, final=None))


@pytest.mark.parametrize("scale", [1 / 256, 1 / 400])
def test_a_softmax_is_rounded_where_the_file_rounds_it(tmp_path: Path, scale: float) -> None:
    """At 1/400 the largest probability that 8 bits hold is 0.6375."""
    model = Model()
    model.pair("x")
    model.add("Flatten")
    values = np.random.default_rng(3).integers(-9, 9, (32, 3))
    model.add("MatMul", None, model.weights(values, scale=0.05))
    model.add("Softmax")
    model.pair(scale=scale, zero=0)
    path = model.saved(tmp_path)
    network, graph = imported(path)
    verify(network, graph)
    inputs = images(20, 2, 4, 4)
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    (theirs,) = onnxruntime.InferenceSession(str(path), plain).run(None, {"x": inputs})
    integers = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    ours = answers(dequantized(integers, graph.tensors[graph.output]), graph)
    assert np.abs(ours / scale - np.rint(ours / scale)).max() < 1e-3
    assert np.abs(ours - theirs).max() < 1.001 * scale


def _max_pool(model: Model) -> None:
    model.add("MaxPool", kernel_shape=[2, 2])


def _relu(model: Model) -> None:
    model.add("Relu")


def _concat(model: Model) -> None:
    model.add("Concat", model.last, model.last, axis=1)


def _pad(model: Model) -> None:
    model.add("Pad", None, model.constant([0, 0, 1, 0, 0, 0, 0, 2], "int64"))


def _nothing(model: Model) -> None:
    model.add("Flatten")


@pytest.mark.parametrize("end", [_max_pool, _relu, _concat, _pad, _nothing])
@pytest.mark.parametrize("flat", [True, False])
def test_what_nothing_rounds_at_the_end(
    tmp_path: Path, end: Callable[[Model], None], flat: bool
) -> None:
    model = Model()
    model.pair("x")
    model.conv(np.arange(-12, 12).reshape(3, 2, 2, 2))
    model.pair()
    end(model)
    if flat:
        model.add("Flatten")
    network, graph = imported(model.saved(tmp_path))
    verify(network, graph)
    tensor = graph.tensors[graph.output]
    wrong = graph.tensors | {graph.output: replace(tensor, scale=(tensor.scale[0] * 1.01,))}
    with pytest.raises(CompileError, match="a fault in quantbench"):
        verify(network, replace(graph, tensors=wrong))


def test_the_scale_of_the_input(tmp_path: Path) -> None:
    model = Model()
    model.pair("x")
    model.conv()
    model.pair()
    network, graph = imported(model.saved(tmp_path))
    tensor = replace(graph.tensors["x"], scale=(SCALE * 1.01,))
    with pytest.raises(CompileError, match="the input"):
        verify(network, replace(graph, tensors=graph.tensors | {"x": tensor}))


def test_a_fixed_batch(tmp_path: Path) -> None:
    model = Model(shape=(5, 2, 4, 4))
    model.pair("x")
    model.conv()
    model.pair()
    network, graph = imported(model.saved(tmp_path))
    verify(network, graph)


@settings(max_examples=150, suppress_health_check=[*HealthCheck])
@given(networks())
def test_random_networks_are_within_their_bounds(
    tmp_path_factory: pytest.TempPathFactory,
    network: tuple[onnx.ModelProto, NDArray[np.float32]],
) -> None:
    found, graph = imported(written(tmp_path_factory, network[0]))
    verify(found, graph)


@pytest.mark.parametrize("method", ["ort_static", "nncf_static", "pt2e_static", "qat"])
@pytest.mark.parametrize("model", ["lenet", "mlp"])
def test_what_every_quantizer_writes(
    artifacts: Callable[[str, str, str], Artifact], model: str, method: str
) -> None:
    network, graph = imported(artifacts(model, method, "onnx").folder / "model.onnx")
    verify(network, graph)
