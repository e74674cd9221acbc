"""Functions of each number: what ONNX Runtime gives, as a table of integers and in float32."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.nodes.table import Table
from quantbench.c99.target.target import Dtype, Target
from quantbench.errors import CompileError
from tests.c99.checking import SANITIZED, native, ran
from tests.c99.models import Model

FUNCTIONS: dict[str, dict[str, Any]] = {
    "Abs": {}, "Ceil": {}, "Celu": {"alpha": 0.7}, "Cos": {}, "Elu": {"alpha": 1.3}, "Erf": {},
    "Exp": {}, "Floor": {}, "Gelu": {"approximate": "tanh"}, "HardSigmoid": {"alpha": 0.3},
    "HardSwish": {}, "LeakyRelu": {"alpha": 0.3}, "Log": {}, "Mish": {}, "Neg": {}, "Pow": {},
    "PRelu": {}, "Reciprocal": {}, "Round": {}, "Selu": {}, "Sigmoid": {}, "Sign": {}, "Sin": {},
    "Softplus": {}, "Softsign": {}, "Sqrt": {}, "Tanh": {}, "ThresholdedRelu": {"alpha": 0.4},
}  # fmt: skip
POSITIVE = ("Log", "Sqrt", "Pow")
SCALE, SHAPE = 0.0371, (2, 5, 4)


def zero(op: str) -> int:
    return 0 if op in POSITIVE else 100


def every_integer(scale: float, zero_point: int) -> np.ndarray[Any, Any]:
    """Images [7, 2, 5, 4] that hold each of the 256 real numbers."""
    reals = (np.arange(256) - zero_point).astype(np.float32) * np.float32(scale)
    return np.resize(reals, (7, *SHAPE)).astype(np.float32)


def with_function(model: Model, op: str, attributes: Mapping[str, Any]) -> None:
    more = {"Pow": 1.7, "PRelu": 0.3}
    constants = [model.constant(more[op])] if op in more else []
    model.add(op, None, *constants, **attributes)


def theirs(path: Path, inputs: Any) -> Any:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs})[0]


@pytest.mark.parametrize("type", ["uint8", "int8"])
def test_a_table_holds_what_onnx_runtime_gives(tmp_path: Path, type: str) -> None:
    for op, attributes in FUNCTIONS.items():
        model = Model(("n", *SHAPE), opset=21)
        lowest = -128 if type == "int8" else 0
        model.pair("x", SCALE, zero(op) + lowest, type)
        with_function(model, op, attributes)
        model.pair(None, 0.0173, 30, type)
        path = model.saved(tmp_path)
        graph = import_onnx(path)
        (table,) = graph.nodes
        assert isinstance(table, Table)
        inputs = every_integer(SCALE, zero(op))
        integers = quantized(inputs, graph.tensors[graph.input])
        ours = dequantized(execute(graph, integers), graph.tensors[graph.output])
        off = ours != theirs(path, inputs)
        assert table.unsure[0][integers[off] - lowest].all(), op
        require_agreement(read(path))


def joined(*, rounded: bool) -> Model:
    """The results of all functions of x, and of a number above 0, one behind the other."""
    model = Model(("n", *SHAPE), opset=21)
    everything = model.pair("x", SCALE, 100) if rounded else "x"
    positive = model.add("Add", model.add("Abs", everything), model.constant(0.1))
    positive = model.pair(None, 0.03, 0) if rounded else positive
    parts = []
    for op, attributes in FUNCTIONS.items():
        model.last = positive if op in (*POSITIVE, "Reciprocal") else everything
        with_function(model, op, attributes)
        parts.append(model.pair(None, 0.0173, 30) if rounded else model.last)
    model.add("Concat", *parts, axis=1)
    return model


def test_the_c_of_all_of_them(tmp_path: Path) -> None:
    path = joined(rounded=True).saved(tmp_path)
    require_agreement(read(path))
    files = emit(import_onnx(path), Target.NATIVE).files
    assert ran(files, tmp_path, *SANITIZED, *native()).startswith("PASS")


def test_float32(tmp_path: Path) -> None:
    path = joined(rounded=False).saved(tmp_path)
    require_agreement(read(path), Dtype.FLOAT32)
    files = emit(import_onnx(path, Dtype.FLOAT32)).files
    assert ran(files, tmp_path, *SANITIZED).startswith("PASS")


def silu(model: Model, *, rounded: bool, name: str) -> None:
    """Sigmoid times its own input; `rounded`: the sigmoid is quantized by itself."""
    model.add("Sigmoid", name)
    if rounded:
        model.pair(None, 1 / 255, 0)
    model.add("Mul", model.last, name)


def hard_swish(model: Model, *, rounded: bool, name: str) -> None:
    """x times (x + 3) clamped to [0, 6], divided by 6."""
    model.add("Add", name, model.constant(3.0))
    if rounded:
        model.pair(None, 0.05, 20)
    model.add("Clip", None, model.constant(0.0), model.constant(6.0))
    if rounded:
        model.pair(None, 6 / 255, 0)
    model.add("Mul", name, model.last)
    if rounded:
        model.pair(None, 0.2, 3)
    model.add("Div", None, model.constant(6.0))


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("chain", [silu, hard_swish])
def test_a_chain_is_one_table(tmp_path: Path, chain: Any, rounded: bool) -> None:
    model = Model(("n", *SHAPE))
    name = model.pair("x", SCALE, 100)
    chain(model, rounded=rounded, name=name)
    model.pair(None, 0.031, 12)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    assert [type(node) for node in graph.nodes] == [Table]
    inputs = every_integer(SCALE, 100)
    ours = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    assert np.array_equal(dequantized(ours, graph.tensors[graph.output]), theirs(path, inputs))
    require_agreement(read(path))


def test_a_table_that_others_read_stays(tmp_path: Path) -> None:
    model = Model(("n", *SHAPE))
    name = model.pair("x", SCALE, 100)
    model.add("Sigmoid", name)
    gate = model.pair(None, 1 / 255, 0)
    model.add("Mul", gate, name)
    product = model.pair(None, 0.02, 30)
    model.add("Add", product, gate)
    model.pair(None, 0.03, 30)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    assert sorted(type(node).__name__ for node in graph.nodes) == ["Add", "Product", "Table"]
    require_agreement(read(path))


def test_scales_by_channel_have_a_table_each(tmp_path: Path) -> None:
    model = Model(("n", *SHAPE))
    model.pair("x", SCALE, 100)
    model.add("Tanh")
    model.pair(None, [0.008, 0.004], [128, 128], axis=1)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    (table,) = graph.nodes
    assert isinstance(table, Table)
    assert table.table.shape == (2, 256)
    require_agreement(read(path))
    assert ran(emit(graph).files, tmp_path, *SANITIZED).startswith("PASS")


def test_numbers_without_a_result_are_refused(tmp_path: Path) -> None:
    model = Model(("n", *SHAPE))
    model.pair("x", SCALE, 100)
    model.add("Log")
    model.pair()
    with pytest.raises(CompileError, match=r"log.*\(Log\): some integers of its input have no"):
        import_onnx(model.saved(tmp_path))


@pytest.mark.parametrize("rounded", [False, True])
def test_a_sigmoid_at_the_end_is_left_to_the_caller(tmp_path: Path, *, rounded: bool) -> None:
    model = Model(("n", *SHAPE))
    model.pair("x", SCALE, 100)
    model.conv(np.ones((3, 2, 2, 2)))
    model.add("Sigmoid")
    if rounded:
        model.pair(None, 1 / 255, 0)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    assert graph.final == "sigmoid"
    assert graph.tensors[graph.output].type == "int32"
    require_agreement(read(path))
    inputs = every_integer(SCALE, 100)
    sums = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    ours = answers(dequantized(sums, graph.tensors[graph.output]), graph)
    assert np.abs(ours - theirs(path, inputs)).max() < 1e-6
