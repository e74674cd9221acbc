from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from quantbench import plugins
from quantbench.artifacts.state_file import STATE, read_state, write_state
from quantbench.errors import (
    ArtifactError,
    CalibrationError,
    SettingError,
    UnavailableError,
    UnknownNameError,
)
from quantbench.settings import parse_settings
from quantbench.studies.quantize import quantize
from quantbench.system.record import Settings
from quantbench.system.store import save
from quantbench.tasks.records import Training
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights

STATIC = plugins.method("static")


def settings(**given: str) -> Settings:
    return parse_settings(STATIC.SETTINGS, "setting of method 'static'", given)


def changed(checkpoint: Checkpoint, parent: Path, value: float) -> Checkpoint:
    """The same checkpoint with one weight of classifier.0 set."""
    state = read_state(checkpoint.folder / STATE)
    weight = state["classifier.0.weight"]
    assert isinstance(weight, torch.Tensor)
    weight[3, 5] = value

    def fill(folder: Path) -> Training:
        write_state(folder / STATE, state)
        return checkpoint.body

    return save(parent / "changed", "checkpoint", checkpoint.inputs, fill)


def test_what_was_quantized_is_found(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = quantize(task, "static", settings(), "state_dict", tmp_path)
    monkeypatch.setattr(STATIC, "quantize", None)
    assert quantize(task, "static", settings(), "state_dict", tmp_path) == made


def test_what_it_depends_on_is_told_apart(
    task: Task, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    fewer = replace(task, calibration=task.calibration.part(0, 50))
    other = with_weights(task, changed(checkpoint, tmp_path / "checkpoints", 0.5))
    cases = [
        (task, settings()),
        (task, settings(images="20")),
        (task, settings(observer="minmax")),
        (other, settings()),
        (fewer, settings()),
    ]
    folders = {quantize(t, "static", s, "state_dict", tmp_path).folder for t, s in cases}
    assert len(folders) == len(cases)


@pytest.mark.parametrize("observer", ["minmax", "moving_average", "histogram"])
def test_each_observer_gives_a_network_that_works(
    task: Task, tmp_path: Path, observer: str
) -> None:
    made = quantize(task, "static", settings(observer=observer), "state_dict", tmp_path)
    logits = plugins.runtime("torch").load(made, 1)(task.test.inputs()[0])
    assert (logits.argmax(1) == task.test.targets).mean() >= 0.97
    assert f"observer {observer}" in made.body.quantized.notes[0]


def test_the_number_of_images_is_that_of_those_read(task: Task, tmp_path: Path) -> None:
    for asked, read in (("30", 30), ("5000", len(task.calibration))):
        made = quantize(task, "static", settings(images=asked), "state_dict", tmp_path)
        assert f"calibrated on {read} samples" in made.body.quantized.notes[0]


def test_only_the_calibration_images_matter(task: Task, tmp_path: Path) -> None:
    assert task.train is not None
    train, test = (
        replace(samples, stored=(np.zeros_like(samples.stored[0]),))
        for samples in (task.train, task.test)
    )
    blank = replace(task, train=train, test=test)
    one, two = (
        quantize(t, "static", settings(), "state_dict", tmp_path / name)
        for name, t in (("a", task), ("b", blank))
    )
    assert one.sha256 == two.sha256


def test_no_calibration_image_is_an_error_that_says_so(task: Task, tmp_path: Path) -> None:
    empty = task.calibration.part(0, 0)
    with pytest.raises(CalibrationError, match="saw no calibration data"):
        quantize(
            replace(task, calibration=empty),
            "static",
            settings(),
            "state_dict",
            tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("method", ["static", "ort_dynamic", "ort_static"])
def test_a_weight_that_is_no_number_names_its_layer(
    task: Task, checkpoint: Checkpoint, tmp_path: Path, method: str, value: float
) -> None:
    broken = with_weights(task, changed(checkpoint, tmp_path, value))
    module = plugins.method(method)
    with pytest.raises(CalibrationError, match=r"layer 'classifier\.0' gives a value that isn't"):
        quantize(broken, method, module.SETTINGS(), module.FORMATS[0], tmp_path / "artifacts")
    assert list((tmp_path / "artifacts").iterdir()) == []


def test_a_layer_of_zeros_is_quantized(task: Task, checkpoint: Checkpoint, tmp_path: Path) -> None:
    state = read_state(checkpoint.folder / STATE)
    for name in ("features.3.weight", "features.3.bias"):
        tensor = state[name]
        assert isinstance(tensor, torch.Tensor)
        tensor.zero_()

    def fill(folder: Path) -> Training:
        write_state(folder / STATE, state)
        return checkpoint.body

    stored = save(tmp_path / "zeros", "checkpoint", checkpoint.inputs, fill)
    zeros = with_weights(task, stored)
    engines = {"state_dict": "torch", "onnx": "onnxruntime", "executorch": "executorch"}
    for method in plugins.default_methods():
        module = plugins.method(method)
        if set(module.FORMATS) == {"tflite"} or plugins.why_unavailable("methods", method):
            continue  # the network has no TensorFlow Lite file
        format = next(format for format in engines if format in module.FORMATS)
        if plugins.why_unavailable("runtimes", engines[format]):
            continue
        made = quantize(zeros, method, module.SETTINGS(), format, tmp_path / "artifacts")
        logits = plugins.runtime(engines[format]).load(made, 1)(task.test.inputs()[0][:4])
        assert np.isfinite(logits).all()
        assert (logits == logits[0]).all()


def test_a_method_that_can_not_work_gives_its_reason(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STATIC, "unavailable", lambda: "the CPU is too old", raising=False)
    with pytest.raises(UnavailableError, match="the CPU is too old"):
        quantize(task, "static", settings(), "state_dict", tmp_path)


def test_a_format_that_a_method_lacks_is_named(task: Task, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'static' 'onnx'; known: state_dict"):
        quantize(task, "static", settings(), "onnx", tmp_path)


def test_an_edited_artifact_is_refused(task: Task, tmp_path: Path) -> None:
    made = quantize(task, "static", settings(), "state_dict", tmp_path)
    with (made.folder / STATE).open("r+b") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match=f"{made.folder / STATE} is not the file"):
        quantize(task, "static", settings(), "state_dict", tmp_path)


def test_an_engine_that_is_not_built_in_is_named() -> None:
    with pytest.raises(SettingError, match="setting of method 'static' 'engine': "):
        settings(engine="cuda")
