"""ONNX files as networks: float or quantized, with a batch that is dynamic, fixed or made so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from quantbench.errors import QuantbenchError, UnavailableError
from quantbench.tasks.network import Network
from quantbench.tasks.source import describe_source, load_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 1, 4, 4)).astype(np.float32)
FLOAT = TensorProto.FLOAT


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def value(name: str, *shape: int | str, kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, array: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(array, name)


def saved(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    *stored: onnx.TensorProto,
) -> Path:
    graph = helper.make_graph(nodes, "net", inputs, outputs, stored)
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=domains, ir_version=8), path)
    return path


def classifier(path: Path, batch: int | str, shape: tuple[int, ...] | None = None) -> Path:
    """Convolution, Reshape to `shape`, fully connected: [batch, 1, 4, 4] -> [batch, 3]."""
    rng = np.random.default_rng(1)
    first = batch if isinstance(batch, int) else -1
    return saved(
        path,
        [
            helper.make_node("Conv", ["image", "kernel"], ["c"], pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("Reshape", ["r", "shape"], ["f"]),
            helper.make_node("MatMul", ["f", "weight"], ["logits"]),
        ],
        [value("image", batch, 1, 4, 4)],
        [value("logits", batch, 3)],
        constant("kernel", rng.normal(size=(2, 1, 3, 3)).astype(np.float32)),
        constant("weight", rng.normal(size=(32, 3)).astype(np.float32)),
        constant("shape", np.array(shape or (first, 32), np.int64)),
    )


def run(network: Network, *arrays: np.ndarray) -> list[np.ndarray]:
    assert network.onnx is not None
    session = ort.InferenceSession(network.onnx.read_bytes())
    names = [spec.name for spec in network.inputs]
    return session.run(None, dict(zip(names, arrays, strict=True)))


@pytest.mark.parametrize("example", [None, X, {"image": X}])
def test_a_dynamic_batch(tmp_path: Path, example: object) -> None:
    path = classifier(tmp_path / "net.onnx", "N")
    network = load_network(path, example=example)
    assert (network.name, network.onnx, network.fixed_batch) == ("net", path, None)
    assert (network.quantized, network.notes, network.sources) == (False, (), ())
    assert describe_source(network) == ("net.onnx, image float32 [1, 4, 4] -> logits float32 [3]")
    with pytest.raises(UnavailableError, match="holds an ONNX graph, not a PyTorch"):
        network.module()


@pytest.mark.parametrize(
    ("batch", "shape"), [(1, (1, 32)), (1, (1, -1)), (3, (3, 32)), (3, (3, -1)), (1, (-1, 32))]
)
def test_a_fixed_batch_is_made_dynamic(tmp_path: Path, batch: int, shape: tuple[int, ...]) -> None:
    path = classifier(tmp_path / "net.onnx", batch, shape)
    before = path.read_bytes()
    network = load_network(path, example=X)
    assert network.fixed_batch is None
    assert network.notes == (
        f"net.onnx takes batches of {batch}; a copy that takes any is measured",
    )
    assert path.read_bytes() == before
    assert network.onnx != path
    whole = ort.InferenceSession(before)
    expected = [whole.run(None, {"image": X[i : i + batch]})[0] for i in range(0, 3, batch)]
    np.testing.assert_allclose(run(network, X)[0], np.concatenate(expected), rtol=1e-4, atol=1e-5)
    assert len(run(network, np.concatenate([X, X[:2]]))[0]) == 5
    assert load_network(path).onnx == network.onnx


def test_a_damaged_copy_in_the_cache_is_made_again(tmp_path: Path) -> None:
    path = classifier(tmp_path / "net.onnx", 1)
    network = load_network(path)
    assert network.onnx is not None
    good = network.onnx.read_bytes()
    network.onnx.write_bytes(b"damaged")
    load_network(path)
    assert network.onnx.read_bytes() == good


def test_a_batch_stays_fixed_where_the_network_would_change(tmp_path: Path) -> None:
    """Two samples are mixed: the mean over the batch is subtracted."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[0]),
        helper.make_node("Sub", ["x", "m"], ["d"]),
        helper.make_node("Add", ["d", "x"], ["y"]),
    ]
    for batch in (2, 1):
        path = saved(tmp_path / "mix.onnx", nodes, [value("x", batch, 4)], [value("y", batch, 4)])
        network = load_network(path)
        assert (network.fixed_batch, network.onnx) == (batch, path)
        assert network.notes == (f"the network works only for batches of {batch}",)
    path = saved(tmp_path / "mix.onnx", nodes, [value("x", "N", 4)], [value("y", "N", 4)])
    assert load_network(path).fixed_batch == 1


def test_a_file_that_only_says_that_its_batch_is_dynamic(tmp_path: Path) -> None:
    network = load_network(classifier(tmp_path / "net.onnx", "N", (1, 32)), example=X)
    assert network.fixed_batch == 1
    assert "batches of 1 only" in describe_source(network)


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "two.onnx",
        [
            helper.make_node("Gather", ["table", "tokens"], ["e"]),
            helper.make_node("ReduceSum", ["e", "axis"], ["s"], keepdims=0),
            helper.make_node("Add", ["s", "numbers"], ["sum"]),
            helper.make_node("Neg", ["sum"], ["negative"]),
        ],
        [value("tokens", "N", 5, kind=TensorProto.INT64), value("numbers", "N", 4),
         value("table", 9, 4)],
        [value("sum", "N", 4), value("negative", "N", 4)],
        constant("table", RNG.normal(size=(9, 4)).astype(np.float32)),
        constant("axis", np.array([1], np.int64)),
    )  # fmt: skip
    tokens, numbers = RNG.integers(0, 9, (3, 5)), X.reshape(3, 16)[:, :4]
    network = load_network(path, example={"numbers": numbers, "tokens": tokens})
    assert [(s.name, s.shape, s.dtype) for s in network.inputs] == [
        ("tokens", (5,), "int64"), ("numbers", (4,), "float32")
    ]  # fmt: skip
    assert [spec.name for spec in network.outputs] == ["sum", "negative"]
    np.testing.assert_array_equal(*np.abs(run(network, tokens, numbers)))


def quantized(path: Path, batch: int | str) -> Path:
    return saved(
        path,
        [
            helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
        ],
        [value("x", batch, 4)],
        [value("y", batch, 4)],
        constant("s", np.array(0.05, np.float32)),
        constant("z", np.array(3, np.uint8)),
    )


def test_a_quantized_file_is_recognised(tmp_path: Path) -> None:
    for batch in ("N", 1):
        network = load_network(quantized(tmp_path / "q.onnx", batch))
        assert network.quantized
        assert network.fixed_batch is None
    assert describe_source(network) == ("q.onnx, quantized already, x float32 [4] -> y float32 [4]")


def test_dynamic_quantization_is_recognised_and_takes_any_batch(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "d.onnx",
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("MatMulInteger", ["q", "w", "z"], ["i"]),
            helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
            helper.make_node("Mul", ["f", "s"], ["y"]),
        ],
        [value("x", "N", 4)],
        [value("y", "N", 2)],
        constant("w", RNG.integers(-9, 9, (4, 2)).astype(np.int8)),
    )
    network = load_network(path, example=X.reshape(3, 16)[:, :4])
    assert (network.quantized, network.fixed_batch) == (True, None)


def refused(path: Path, example: object = None) -> str:
    with pytest.raises(QuantbenchError) as caught:
        load_network(path, example=example)
    message = str(caught.value)
    assert path.name in message
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (X[:, :, :2], "takes samples of [1, 4, 4], not [1, 2, 4]; give samples of that shape"),
        (X[:0], "there are no samples for input 'image' of net.onnx; give some"),
        ((X, X), "takes 1 inputs (image), the samples have 2; give one array for each"),
        ({"x": X}, "takes the inputs (image), the samples are named (x)"),
        (X.astype(np.int32), "takes float32, but the samples are int32"),
    ],
)
def test_samples_that_do_not_fit_are_refused(tmp_path: Path, example: object, words: str) -> None:
    assert words in refused(classifier(tmp_path / "net.onnx", "N"), example)


def one_node(path: Path, operator: str, kind: int, shape: tuple[int | str, ...]) -> Path:
    node = helper.make_node(operator, ["x"], ["y"])
    return saved(path, [node], [value("x", *shape)], [value("y", *shape, kind=kind)])


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    assert "leaves sizes open; give samples" in refused(one_node(path, "Relu", FLOAT, ("N", "H")))
    assert load_network(path, example=np.ones((2, 7), np.float32)).inputs[0].shape == (7,)
    boolean = one_node(path, "IsNaN", TensorProto.BOOL, ("N", 3))
    assert "output 'y' of" in refused(boolean)
    assert "is bool; export the real-valued scores" in refused(boolean)
    assert "NaN or infinite" in refused(one_node(path, "Sqrt", FLOAT, ("N", 3)), -np.ones((2, 3)))
    assert "with a batch" in refused(one_node(path, "Relu", FLOAT, ()))
    path.write_bytes(path.read_bytes()[:-9])
    assert "is not an ONNX model" in refused(path)
    path.write_bytes(b"")
    assert "is empty" in refused(path)


def test_files_of_other_kinds_say_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "net.pte"
    path.write_bytes(b"\x1c\0\0\0ET12" + bytes(20))
    assert "is no network that can be loaded (ExecuTorch); give an .onnx" in refused(path)
    path = tmp_path / "net.bin"
    path.write_bytes(b"hello, this is text")
    assert "is no network that can be loaded (unknown); give an .onnx, .pt2 or .tf" in refused(path)
    path.write_bytes(b"\x80\x02.")
    assert "holds weights without their network (pickle); give it with --weights" in refused(path)
