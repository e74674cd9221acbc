"""A maximum over the image: the bits of ONNX Runtime, of integers, of float32 and in C."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir import error_bounds
from quantbench.c99.ir.interpreter import execute, quantized
from quantbench.c99.target.target import Dtype, Target
from tests.c99.checking import SANITIZED, ran
from tests.c99.models import Model, images


def model_behind(layer: str, *, rounded: bool) -> Model:
    """GlobalMaxPool behind the input, or behind a convolution; `rounded`: in between."""
    model = Model(("n", 2, 5, 4))
    model.pair("x", scale=0.5, zero=3)
    if layer == "Conv":
        model.conv()
        if rounded:
            model.pair(scale=2.0, zero=7)
    model.add("GlobalMaxPool")
    return model


@pytest.mark.parametrize(
    ("layer", "rounded", "kinds"),
    [
        ("none", True, ["Pool"]),
        ("Conv", True, ["Conv", "Pool"]),
        ("Conv", False, ["Conv"]),
    ],
)
def test_integers(tmp_path: Path, layer: str, rounded: bool, kinds: list[str]) -> None:
    model = model_behind(layer, rounded=rounded)
    scale, zero = (0.5, 3) if layer == "none" else (2.0, 7)
    model.add("QuantizeLinear", None, model.constant(scale), model.constant(zero, "uint8"))
    path = model.saved(tmp_path, ends=(TensorProto.FLOAT, TensorProto.UINT8))
    graph = import_onnx(path)
    assert [type(node).__name__ for node in graph.nodes] == kinds
    inputs = images(16, 2, 5, 4)
    (theirs,) = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(
        None, {"x": inputs}
    )
    ours = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    assert np.array_equal(ours.reshape(theirs.shape), theirs)
    assert np.ptp(theirs) > 10
    require_agreement(read(path))
    for target in Target.PORTABLE, Target.NATIVE:
        assert ran(emit(graph, target).files, tmp_path, *SANITIZED).startswith("PASS")


def test_float32(tmp_path: Path) -> None:
    model = Model(("n", 2, 5, 4))
    model.add("GlobalMaxPool")
    path = model.saved(tmp_path)
    graph = import_onnx(path, Dtype.FLOAT32)
    inputs = images(3, 2, 5, 4)
    near = error_bounds.execute(graph, inputs)
    assert np.array_equal(near.values[..., 0, 0], inputs.max(axis=(2, 3)))
    assert not near.error.any()
    require_agreement(read(path), Dtype.FLOAT32)
    assert ran(emit(graph).files, tmp_path, *SANITIZED).startswith("PASS")
