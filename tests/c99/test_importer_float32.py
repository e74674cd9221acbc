"""What becomes of float32 networks: what is fused, what is folded, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.error_bounds import run_all
from quantbench.c99.ir.graph import Graph
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.ops.add import Add
from quantbench.c99.target.target import Dtype
from quantbench.errors import ArtifactError, CompileError
from tests.c99.models import Model
from tests.c99.test_fuzz import mutated, rewired

Artifacts = Callable[[str, str, str], Artifact]
_ONES = np.ones((3, 2, 2, 2))


def kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


def conv(model: Model, **attributes: object) -> str:
    return model.add("Conv", None, model.constant(_ONES), **attributes)


def test_lenet_becomes_five_layers(artifacts: Artifacts) -> None:
    graph = import_onnx(artifacts("lenet", "float32", "onnx").folder / "model.onnx", Dtype.FLOAT32)
    assert kinds(graph) == ["Conv", "Conv", "Conv", "Reshape", "Dense", "Dense"]
    convolutions = [node for node in graph.nodes if isinstance(node, Conv)]
    assert [node.pooling and node.pooling.kind for node in convolutions] == [
        "average", "average", None,
    ]  # fmt: skip
    for node in convolutions:
        assert node.low is not None
        assert not node.low.any()
        assert node.high is None
    assert {tensor.type for tensor in graph.tensors.values()} == {"float32"}


def test_what_two_nodes_read_is_computed_once(tmp_path: Path) -> None:
    model = Model()
    one = conv(model)
    model.add("Relu")
    model.add("Add", one, model.last)
    graph = import_onnx(model.saved(tmp_path), Dtype.FLOAT32)
    assert kinds(graph) == ["Conv", "Clamp", "Add"]


def test_an_output_that_is_read_is_computed_once(tmp_path: Path) -> None:
    model = Model()
    one = conv(model)
    model.add("Relu")
    assert kinds(import_onnx(model.saved(tmp_path, one), Dtype.FLOAT32)) == ["Conv"]


def test_a_sum_takes_the_activation_up(tmp_path: Path) -> None:
    model = Model()
    model.add("Add", "x", "x")
    model.add("Clip", None, model.constant(-0.1), model.constant(0.3))
    (node,) = import_onnx(model.saved(tmp_path), Dtype.FLOAT32).nodes
    assert isinstance(node, Add)
    assert (node.low, node.high) == (float(np.float32(-0.1)), float(np.float32(0.3)))


def test_a_clip_behind_an_average_stays(tmp_path: Path) -> None:
    model = Model()
    conv(model)
    model.add("Relu")
    model.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    model.add("Clip", None, "", model.constant(1.0))
    graph = import_onnx(model.saved(tmp_path), Dtype.FLOAT32)
    assert kinds(graph) == ["Conv", "Clamp"]
    (first, _) = graph.nodes
    assert isinstance(first, Conv)
    assert first.low is not None
    assert not first.low.any()
    assert first.high is None


def test_batch_normalization_is_folded_and_rounded_once(tmp_path: Path) -> None:
    model = Model()
    rng = np.random.default_rng(1)
    weights = rng.normal(0, 1, (3, 2, 2, 2)).astype(np.float32)
    given = [rng.uniform(0.5, 2, 3).astype(np.float32) for _ in range(5)]
    bias, factor, shift, mean, variance = given
    model.add("Conv", None, model.constant(weights), model.constant(bias))
    names = [model.constant(one) for one in (factor * [1, -1, 0], shift, mean, variance)]
    model.add("BatchNormalization", None, *names, epsilon=0.0)
    (node,) = import_onnx(model.saved(tmp_path), Dtype.FLOAT32).nodes
    assert isinstance(node, Conv)
    by = factor * [1.0, -1.0, 0.0] / np.sqrt(variance.astype(np.float64))
    wanted = (weights * by[:, None, None, None]).astype(np.float32)
    np.testing.assert_array_max_ulp(node.weights, wanted, maxulp=1)
    folded = ((bias.astype(np.float64) - mean) * by + shift).astype(np.float32)
    np.testing.assert_array_max_ulp(node.bias, folded, maxulp=1)


def test_a_bias_added_behind_a_matmul(tmp_path: Path) -> None:
    model = Model(("n", 4))
    model.add("MatMul", None, model.constant(np.ones((4, 3))))
    model.add("Add", model.constant([1.0, 2.0, 3.0]), model.last)
    model.add("Softmax")
    graph = import_onnx(model.saved(tmp_path), Dtype.FLOAT32)
    (node,) = graph.nodes
    assert isinstance(node, Dense)
    assert node.bias.tolist() == [1, 2, 3]
    assert graph.final


REFUSED: dict[str, tuple[Callable[[Model], object], tuple[str, ...]]] = {
    "operator": (
        lambda m: m.add("Hardmax"),
        ("hardmax0 (Hardmax)", "isn't supported", "docs/compiling.md lists"),
    ),
    "quantized": (lambda m: m.pair("x"), ("it is a quantized network", "--dtype int8")),
    "dynamic": (
        lambda m: m.add("DynamicQuantizeLinear", outputs=3), ("quantized network", "statically"),
    ),
    "weights of float64": (
        lambda m: m.add("Conv", None, m.constant(_ONES, "float64")), ("(Conv)", "float32 only"),
    ),
    "weights computed": (lambda m: m.add("MatMul", "x", "x"), ("(MatMul)", "constant only")),
    "weights nan": (
        lambda m: m.add("Conv", None, m.constant(_ONES * np.nan)), ("(Conv)", "aren't finite"),
    ),
    "bias nan": (
        lambda m: m.add("Conv", None, m.constant(_ONES), m.constant([np.nan, 0, 0])),
        ("(Conv)", "bias isn't finite"),
    ),
    "beyond float32": (
        lambda m: (
            m.add("Flatten"),
            m.add("Gemm", None, m.constant(np.full((32, 3), 3e38)), alpha=10.0),
        ),
        ("(Gemm)", "beyond float32"),
    ),
    "groups": (lambda m: conv(m, group=2), ("(Conv)", "in 2 groups")),
    "activation": (lambda m: m.add("Transpose"), ("(Transpose)", "moves the batch")),
    "softmax within": (
        lambda m: (m.add("Flatten"), m.add("Softmax"), m.add("Relu")), ("(Relu)", "at the end"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_supported_is_named(tmp_path: Path, case: str) -> None:
    model = Model()
    build, words = REFUSED[case]
    build(model)
    with pytest.raises(CompileError) as caught:
        import_onnx(model.saved(tmp_path), Dtype.FLOAT32)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    for word in words:
        assert word in text, text


@pytest.mark.parametrize("shape", [("n", 2, "h", 4), ("n", 2, 4, 4, 4), ()])
def test_only_the_batch_may_be_open(tmp_path: Path, shape: tuple[int | str, ...]) -> None:
    model = Model(shape)
    model.add("Relu")
    with pytest.raises(CompileError, match="input x"):
        import_onnx(model.saved(tmp_path), Dtype.FLOAT32)


@pytest.mark.parametrize("mutate", [mutated, rewired])
def test_damaged_and_hostile_files(
    artifacts: Artifacts,
    tmp_path: Path,
    mutate: Callable[[bytes, np.random.Generator], bytes],
) -> None:
    """An error of ours, or a network that can be executed."""
    data = (artifacts("lenet", "float32", "onnx").folder / "model.onnx").read_bytes()
    rng, outcomes = np.random.default_rng(1), set()
    for _ in range(100):
        path = tmp_path / "model.onnx"
        path.write_bytes(mutate(data, rng))
        reason = ""
        try:
            graph = import_onnx(path, Dtype.FLOAT32)
        except (CompileError, ArtifactError) as error:
            reason = str(error)
        assert len(reason.splitlines()) <= 1, reason
        outcomes.add("refused" if reason else "imported")
        if not reason and sum(tensor.size for tensor in graph.tensors.values()) < 10**5:
            image = np.zeros((1, *graph.tensors[graph.input].shape), np.float32)
            for name, near in run_all(graph, image).items():
                assert near.values.shape[1:] == graph.tensors[name].shape
    assert outcomes == {"refused", "imported"}
