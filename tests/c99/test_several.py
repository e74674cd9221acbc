"""Networks of several inputs and outputs: a pointer for each, and the bits of the interpreter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from quantbench.c99.build.loader import loaded
from quantbench.c99.compile import emitted, require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import dequantized, execute_all, quantized
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError
from tests.c99.checking import SANITIZED, command, ran
from tests.c99.models import Model
from tests.c99.shape_networks import two_ends


def saved(folder: Path, *, quantized: bool) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(two_ends(quantized=quantized).SerializeToString())
    return path


def inputs(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    shapes = {"image": (count, 1, 4, 4), "features": (count, 3)}
    return {name: rng.normal(0, 20, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("is_quantized", [True, False], ids=["int8", "float32"])
def test_each_has_a_pointer(tmp_path: Path, is_quantized: bool) -> None:
    path = saved(tmp_path, quantized=is_quantized)
    require_agreement(read(path))
    files = emitted(read(path), Target.PORTABLE).files
    number, answer = ("uint8_t", "model_output") if is_quantized else ("float", "float")
    prototype = (
        f"void model_run(const {number} *input_0, const {number} *input_1, {answer} *output_0, "
        f"{answer} *output_1, {number} *scratch);"
    )
    assert prototype in " ".join(files["model.h"].split())
    assert "input_1: the network's features, 3 values;" in files["model.h"]
    assert "#define MODEL_INPUT_0_SIZE 16" in files["model.h"]
    assert ran(files, tmp_path, *SANITIZED).startswith("PASS")


@pytest.mark.parametrize("is_quantized", [True, False], ids=["int8", "float32"])
def test_from_python_it_gives_what_onnx_runtime_gives(tmp_path: Path, is_quantized: bool) -> None:
    command()
    path, given = saved(tmp_path, quantized=is_quantized), inputs(5)
    theirs = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, given)
    for threads in (1, 2):
        ours = loaded(emitted(read(path), Target.PORTABLE), threads)(*given.values())
        for answer, wanted in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(answer, wanted, rtol=1e-5, atol=1e-5)
    if is_quantized:
        graph = import_onnx(path)
        ends = [graph.tensors[name] for name in graph.inputs]
        values = execute_all(graph, [*map(quantized, given.values(), ends)])
        reals = map(dequantized, values, (graph.tensors[name] for name in graph.outputs))
        for answer, wanted in zip(ours, reals, strict=True):
            assert np.array_equal(answer, wanted)


def test_other_shapes_are_named(tmp_path: Path) -> None:
    command()
    predict = loaded(emitted(read(saved(tmp_path, quantized=True)), Target.PORTABLE), 1)
    given = inputs(2)
    with pytest.raises(ValueError, match=r"inputs are \[3\], \[1, 4, 4\], not \[1, 4, 4\], \[3\]"):
        predict(given["features"], given["image"])


def test_a_softmax_beside_another_output_is_refused(tmp_path: Path) -> None:
    proto = two_ends(quantized=True)
    model = Model()
    softmax = model.add("Softmax", proto.graph.output[0].name)
    proto.graph.node.extend(model.nodes)
    proto.graph.output[0].name = softmax
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(CompileError, match="without a Softmax, Sigmoid or ArgMax"):
        import_onnx(path)
