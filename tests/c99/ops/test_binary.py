"""Products, maxima and constants of activations: the numbers of ONNX Runtime, and in C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.target.target import Dtype
from tests.c99.checking import SANITIZED, ran
from tests.c99.models import Model

Build = Callable[[Model, str], object]


def squeeze_and_excite(model: Model, x: str) -> None:
    model.add("GlobalAveragePool", x)
    model.pair(None, 0.5, 10)
    model.conv(np.array([[1, -2], [2, 1]]).reshape(2, 2, 1, 1))
    model.pair(None, 0.1, 100)
    model.add("HardSigmoid")
    model.add("Mul", x, model.pair(None, 1 / 255, 0))


def of_a_row(op: str) -> Build:
    def build(model: Model, x: str) -> None:
        model.add("MaxPool", x, kernel_shape=[1, 4])
        model.add(op, x, model.pair(None, 0.7, 30))

    return build


def normalized_parts(model: Model, x: str) -> None:
    """A BatchNormalization of tensors in several formats, which nothing rounds once joined."""
    model.add("MaxPool", x, kernel_shape=[1, 1])
    model.add("Concat", x, model.pair(None, 0.3, 77), axis=1)
    given = (
        [1.5, -0.5, 2.0, 0.0],
        [3.0, -1.0, 0.5, 2.0],
        [1.0, 2.0, 3.0, 4.0],
        [1.0, 4.0, 0.25, 1.0],
    )
    model.add("BatchNormalization", None, *(model.constant(values) for values in given))
    model.add("Relu")


PLACES = np.linspace(-1, 1, 40).reshape(2, 5, 4)
BY_PLACE = ["Reshape", "Conv", "Reshape"]

CASES: dict[str, tuple[Build, list[str]]] = {
    "squeeze and excite": (squeeze_and_excite, ["Pool", "Conv", "Table", "Product"]),
    "sum with a row": (of_a_row("Add"), ["Pool", "Requantize", "Broadcast", "Add"]),
    "product with a row": (of_a_row("Mul"), ["Pool", "Requantize", "Product"]),
    "normalization": (
        normalized_parts, ["Requantize", "Pool", "Conv", "Conv", "Concat", "Requantize"],
    ),
    "slope by channel": (
        lambda m, x: m.add("PRelu", x, m.constant([[[0.25]], [[-0.5]]])), ["Table"],
    ),
    "slope by place": (
        lambda m, x: m.add("PRelu", x, m.constant(PLACES)), ["Reshape", "Table", "Reshape"],
    ),
    "difference by channel": (
        lambda m, x: m.add("Sub", m.constant([[[3.0]], [[-5.0]]]), x), ["Conv"],
    ),
    "sum by place": (lambda m, x: m.add("Add", x, m.constant(PLACES)), BY_PLACE),
    "product by row": (lambda m, x: m.add("Mul", m.constant(PLACES[:1, :, :1]), x), BY_PLACE),
    "difference by column": (lambda m, x: m.add("Sub", m.constant(PLACES[0, 0]), x), BY_PLACE),
    "quotient by place": (lambda m, x: m.add("Div", x, m.constant(PLACES[1] + 2)), BY_PLACE),
    "maximum and a number": (lambda m, x: m.add("Max", x, m.constant(1.5)), ["Requantize"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_integers(tmp_path: Path, case: str) -> None:
    build, kinds = CASES[case]
    model = Model(("n", 2, 5, 4))
    build(model, model.pair("x"))
    model.pair(None, 0.4, 60)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    assert sorted(type(node).__name__ for node in graph.nodes) == sorted(kinds)
    require_agreement(read(path))
    assert ran(emit(graph).files, tmp_path, *SANITIZED).startswith("PASS")


def test_float32(tmp_path: Path) -> None:
    model = Model(("n", 2, 5, 4))
    model.add("PRelu", "x", model.constant([[[0.25]], [[-0.5]]]))
    sloped = model.add("PRelu", None, model.constant(PLACES))
    model.add("Sub", model.constant(PLACES[0]), sloped)
    sloped = model.add(
        "Mul", model.add("Add", None, model.constant(PLACES)), model.constant(PLACES[0, 0])
    )
    gate = model.add("Sigmoid", model.add("GlobalAveragePool"))
    model.add("Min", model.add("Mul", sloped, gate), model.add("Sub", sloped, gate))
    model.add("Div", None, model.add("Exp", gate))
    path = model.saved(tmp_path)
    require_agreement(read(path), Dtype.FLOAT32)
    files = emit(import_onnx(path, Dtype.FLOAT32)).files
    assert ran(files, tmp_path, *SANITIZED).startswith("PASS")
