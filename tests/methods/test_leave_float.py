"""Layers that are left float, as each method's own file holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from quantbench import plugins
from quantbench.errors import UnknownNameError
from quantbench.settings import parse_settings
from quantbench.studies.quantize import quantize
from quantbench.tasks.task import Task
from tests.kinds.register import register
from tests.methods.test_nncf_static import initialised

LEFT = ["features.3", "classifier.2"]
RUNTIMES = {"onnx": "onnxruntime", "state_dict": "torch", "executorch": "executorch"}


@pytest.mark.parametrize(
    ("method", "format"),
    [
        ("ort_static", "onnx"),
        ("nncf_static", "onnx"),
        ("static", "state_dict"),
        ("pt2e_static", "onnx"),
        ("xnnpack_static", "executorch"),
        ("qat", "onnx"),
    ],
)
def test_the_layers_that_are_named_are_float_in_the_file(
    task: Task, tmp_path: Path, method: str, format: str
) -> None:
    settings = parse_settings(
        plugins.method(method).SETTINGS, "setting", {"leave_float": "features.3,*.2"}
    )
    artifact = quantize(task, method, settings, format, tmp_path)
    layers = artifact.body.quantized.layers
    assert [layer.name for layer in layers if not layer.integer] == LEFT
    assert {layer.reason for layer in layers if not layer.integer} == {"leave_float asks for it"}
    assert artifact.body.settings["leave_float"] == ["features.3", "*.2"]
    answers = plugins.runtime(RUNTIMES[format]).load(artifact, 1)(task.test.inputs()[0])
    assert (answers.argmax(1) == task.test.targets).mean() > 0.9


@pytest.mark.parametrize("method", ["ort_static", "nncf_static", "pt2e_static"])
def test_onnx_runtime_multiplies_them_in_float(task: Task, tmp_path: Path, method: str) -> None:
    """By its own optimized graph: it rounds float layers between integers, if it is let."""
    settings = parse_settings(
        plugins.method(method).SETTINGS, "setting", {"leave_float": "features.3"}
    )
    artifact = quantize(task, method, settings, "onnx", tmp_path)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(
        artifact.folder / "model.onnx", options, providers=["CPUExecutionProvider"]
    )
    nodes = onnx.load(tmp_path / "optimized.onnx").graph.node
    kinds = [node.op_type for node in nodes if "Conv" in node.op_type]
    assert sum(kind in ("Conv", "FusedConv") for kind in kinds) == 1
    assert kinds.count("QLinearConv") == 2


def test_with_every_layer_left_float_the_answers_are_float32s(task: Task, tmp_path: Path) -> None:
    settings = parse_settings(
        plugins.method("ort_static").SETTINGS, "setting", {"leave_float": "*"}
    )
    artifact = quantize(task, "ort_static", settings, "onnx", tmp_path)
    exact = quantize(task, "float32", plugins.method("float32").SETTINGS(), "onnx", tmp_path)
    inputs = task.test.inputs()[0]
    runtime = plugins.runtime("onnxruntime")
    found, expected = (runtime.load(each, 1)(inputs) for each in (artifact, exact))
    assert np.allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_network_that_is_quantized_layer_by_layer_leaves_them_unwrapped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A residual network's additions have no quantized form in PyTorch's eager mode."""
    register(monkeypatch)
    task = initialised(monkeypatch, "residual", tmp_path)
    settings = parse_settings(
        plugins.method("static").SETTINGS, "setting", {"leave_float": "3.conv?,7"}
    )
    artifact = quantize(task, "static", settings, "state_dict", tmp_path)
    layers = artifact.body.quantized.layers
    assert [layer.name for layer in layers if not layer.integer] == ["3.conv1", "3.conv2", "7"]
    assert any(
        "each layer is quantized by itself" in note for note in artifact.body.quantized.notes
    )


@pytest.mark.parametrize("method", ["static", "ort_static"])
def test_an_unknown_layer_is_refused_by_its_name(task: Task, tmp_path: Path, method: str) -> None:
    settings = parse_settings(
        plugins.method(method).SETTINGS, "setting", {"leave_float": "feature.3"}
    )
    format = plugins.method(method).FORMATS[0]
    with pytest.raises(UnknownNameError, match=r"'feature\.3' in leave_float; did you mean"):
        quantize(task, method, settings, format, tmp_path)
