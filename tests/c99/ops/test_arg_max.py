"""ArgMax at the end: the class that ONNX Runtime names, int64, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

from quantbench.c99.build import loader
from quantbench.c99.check.float32 import verify
from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.probabilities import answers
from quantbench.c99.target.target import Dtype, Target
from quantbench.c99.verify.distance import distance
from quantbench.errors import CompileError
from tests.c99.models import Model, images
from tests.c99.onnx_cases import published

ENDS = (TensorProto.FLOAT, TensorProto.INT64)


def theirs(path: Path, inputs: Any) -> Any:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": inputs})[0]


def segmented(folder: Path, *, integers: bool, **attributes: Any) -> Path:
    """Scores of 4 classes for each place, rounded so coarsely that many are equal."""
    model = Model(("n", 2, 5, 4))
    model.pair("x", 0.5, 100)
    model.conv(np.random.default_rng(1).integers(-9, 10, (4, 2, 1, 1)))
    real = model.pair(None, 32.0, 128)
    rounded = model.nodes[-1].input[0]
    model.add("ArgMax", rounded if integers else real, **attributes)
    return model.saved(folder, ends=ENDS)


def classified(folder: Path, *, quantized: bool) -> Path:
    """Four scores of a dense layer, which nothing rounds."""
    model = Model(("n", 6))
    values = np.random.default_rng(1).integers(-9, 10, (6, 4))
    if quantized:
        model.pair("x", 0.5, 100)
    weights = model.weights(values) if quantized else model.constant(values * 0.25)
    model.add("MatMul", None if quantized else "x", weights)
    model.add("ArgMax", axis=-1, keepdims=0)
    return model.saved(folder, ends=ENDS)


@pytest.mark.parametrize("integers", [True, False])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_classes_of_places(tmp_path: Path, keepdims: int, integers: bool) -> None:
    path = segmented(tmp_path, integers=integers, axis=1, keepdims=keepdims)
    require_agreement(read(path))
    inputs = images(9, 2, 5, 4)
    wanted = theirs(path, inputs)
    ours = loader.loaded(emit(import_onnx(path), Target.NATIVE), 1)(inputs)
    assert ours.dtype == wanted.dtype == np.int64
    np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize("quantized", [True, False], ids=["int8", "float32"])
def test_a_class_of_scores(tmp_path: Path, quantized: bool) -> None:
    path = classified(tmp_path, quantized=quantized)
    dtype = Dtype.INT8 if quantized else Dtype.FLOAT32
    require_agreement(read(path), dtype)
    emitted = emit(import_onnx(path, dtype), Target.NATIVE)
    assert "The network's ArgMax is left to the caller" in emitted.files["model.h"]
    inputs = images(9, 6)
    ours = loader.loaded(emitted, 1)(inputs)
    assert ours.shape == (9,)
    np.testing.assert_array_equal(ours, theirs(path, inputs))


def test_a_lost_class_is_found(tmp_path: Path) -> None:
    """The check names a file whose scores are those of other classes."""
    path = classified(tmp_path, quantized=False)
    graph = import_onnx(path, Dtype.FLOAT32)
    model = Model(("n", 6))
    values = np.random.default_rng(2).integers(-9, 10, (6, 4))
    model.add("MatMul", "x", model.constant(values * 0.25))
    model.add("ArgMax", axis=-1, keepdims=0)
    with pytest.raises(CompileError, match="other classes than the ONNX file"):
        verify(read(model.saved(tmp_path, ends=ENDS)), graph)


@pytest.mark.slow
def test_onnx_own_data(tmp_path: Path) -> None:
    """Those of its tests whose axis is that of the classes."""
    nodes = [case for case in published() if case.model and len(case.model.graph.node) == 1]
    passed, refused = 0, []
    for case in nodes:
        if case.model.graph.node[0].op_type != "ArgMax":
            continue
        (tmp_path / "model.onnx").write_bytes(case.model.SerializeToString())
        ((given,), (wanted,)) = case.data_sets[0]
        try:
            graph = import_onnx(tmp_path / "model.onnx", Dtype.FLOAT32)
        except CompileError as error:
            refused.append(str(error))
            continue
        np.testing.assert_array_equal(answers(execute(graph, given), graph), wanted)
        passed += 1
    assert passed >= 4
    listed = ("over the classes, axis 1", "the first is supported, not the last")
    assert all(any(part in why for part in listed) for why in refused)


def test_verify_counts_classes_that_differ() -> None:
    ours, reference = np.array([1, 2, 3, 3]), np.array([1, 2, 0, 3])
    result = distance("onnx", ours, reference, None)
    assert (result.same_answer, result.changed) == (0.75, (2,))
    assert (result.worst[0].answer, result.worst[0].reference) == (3, 0)


def followed(model: Model) -> None:
    model.add("ArgMax", axis=1)
    model.add("Relu")


REFUSED = {
    "rows": (lambda m: m.add("ArgMax", axis=2), "over the classes, axis 1"),
    "the last of equals": (lambda m: m.add("ArgMax", axis=1, select_last_index=1), "not the last"),
    "within": (followed, "Argmax, which is supported at the end only"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    build, words = REFUSED[name]
    model = Model(("n", 2, 5, 4))
    model.pair("x")
    build(model)
    with pytest.raises(CompileError, match=words):
        import_onnx(model.saved(tmp_path, ends=ENDS))
