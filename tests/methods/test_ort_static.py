"""ONNX Runtime's static quantization, in every setting."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.artifacts.state_file import STATE
from quantbench.errors import CalibrationError, SettingError
from quantbench.export import calibration, ort_quantizer
from quantbench.export.reading import describe
from quantbench.methods import ort_static
from quantbench.settings import parse_settings
from quantbench.studies.quantize import job_for
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from quantbench.training.checkpoint import Checkpoint, with_weights
from tests.methods.ort import BOUND, constants, error, logits, made, stored, weights
from tests.progress import Recorded

CALIBRATIONS = ("minmax", "entropy", "percentile")
TYPES = ("u8s8", "u8u8", "s8s8")
T = TypeVar("T")


@pytest.mark.parametrize(
    ("types", "calibration", "per_channel"),
    [*itertools.product(TYPES, CALIBRATIONS, ["true"]), ("u8s8", "minmax", "false")],
)
def test_its_logits_are_near_those_of_float(
    task: Task,
    checkpoint: Checkpoint,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    types: str,
    calibration: str,
    per_channel: str,
) -> None:
    artifact = made(
        task, tmp_path, "ort_static",
        types=types, calibration=calibration, per_channel=per_channel,
    )  # fmt: skip
    expected = logits(artifacts("lenet", "float32", "onnx"), task)
    found = logits(artifact, task)
    assert error(found, expected) < BOUND
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.98
    told = artifact.body.quantized
    granularity = "channel" if per_channel == "true" else "tensor"
    for layer in told.layers:
        (weights,), (activations,) = layer.weights, layer.activations
        assert (activations.bits, activations.signed) == (8, types[0] == "s")
        assert (weights.bits, weights.signed) == (8, types[2] == "s")
        assert weights.granularity == granularity
        assert weights.symmetric == (types[2] == "s")
    assert f"calibrated on 120 samples, {calibration}" in told.notes


@pytest.mark.parametrize(
    "name", ["features.0", "features.3", "features.6", "classifier.0", "classifier.2"]
)
def test_the_bound_would_see_one_layer_scaled_wrongly(
    task: Task, artifacts: Callable[[str, str, str], Artifact], tmp_path: Path, name: str
) -> None:
    artifact = artifacts("lenet", "ort_static", "onnx")
    wrong = stored(artifact)
    for tensor in wrong.graph.initializer:
        if tensor.name == f"{name}.weight_scale":
            scaled = numpy_helper.to_array(tensor) * np.float32(1.05)
            tensor.CopyFrom(numpy_helper.from_array(scaled, tensor.name))
    (tmp_path / "model.onnx").write_bytes(wrong.SerializeToString())
    expected = logits(artifacts("lenet", "float32", "onnx"), task)
    assert error(logits(replace(artifact, folder=tmp_path), task), expected) > BOUND


@pytest.mark.parametrize("types", TYPES)
def test_a_reduced_range_is_that_of_seven_bits(
    task: Task, checkpoint: Checkpoint, tmp_path: Path, types: str
) -> None:
    for reduce, most in (("true", 64), ("false", 128)):
        artifact = made(task, tmp_path, "ort_static", types=types, reduce_range=reduce)
        zero = {"u8u8": most}.get(types, 0)
        widest = [np.abs(values - zero).max() for values in weights(artifact).values()]
        assert len(widest) == 5
        assert all(most - 2 <= wide <= most for wide in widest)
        told = artifact.body.quantized.numerics.weights
        assert {format.used_bits for format in told} == {7 if reduce == "true" else 8}
        assert artifact.body.settings["reduce_range"] == (reduce == "true")


@pytest.mark.parametrize("vnni", [True, False])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_range_is_reduced_where_sums_would_saturate(
    monkeypatch: pytest.MonkeyPatch, vnni: bool, machine: str
) -> None:
    monkeypatch.setattr(ort_quantizer, "has_vnni", lambda _: vnni)
    monkeypatch.setattr("platform.machine", lambda: machine)
    found = {types: ort_static.StaticSettings(types=types).reduce_range for types in TYPES}
    saturates = machine == "x86_64" and not vnni
    assert found == {"u8s8": saturates, "u8u8": False, "s8s8": saturates}
    assert ort_static.StaticSettings(types="u8u8", reduce_range=True).reduce_range


def test_a_wrong_type_is_what_the_message_is_about() -> None:
    with pytest.raises(SettingError, match="'types'"):
        parse_settings(ort_static.StaticSettings, "setting", {"types": "s8u8"})


def test_scales_are_those_of_the_values_seen(
    task: Task, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    """The network's own output, on the calibration images, spans 255 steps of its scale."""
    artifact = made(task, tmp_path, "ort_static", calibration="minmax")
    model = task.network.module()
    model.load_state_dict(torch.load(checkpoint.folder / STATE, weights_only=True))
    with torch.inference_mode():
        answers = model.eval()(torch.from_numpy(task.calibration.inputs()[0])).numpy()
    last = artifact.body.quantized.layers[-1]
    assert last.scale is not None
    assert last.zero_point is not None
    assert last.scale == pytest.approx((answers.max() - answers.min()) / 255, rel=1e-3)
    assert last.zero_point == pytest.approx(-answers.min() / last.scale, abs=1)
    assert constants(artifact)["logits_scale"] == np.float32(last.scale)


def test_batches_are_given_one_at_a_time_and_tracked(
    task: Task, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    progress = Recorded()
    settings = ort_static.StaticSettings(calibration="entropy")
    ort_static.quantize(job_for(task, settings, "onnx", tmp_path, progress))
    assert progress.loops == [("calibrating", 2, ["", ""])]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert capfd.readouterr() == ("", "")


def test_the_size_of_a_batch_does_not_change_what_is_seen(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the last bits, as kernels sum in another order."""
    scales = []
    for batch in (7, 120):
        monkeypatch.setattr(calibration, "BATCH", batch)
        folder = tmp_path / str(batch)
        folder.mkdir()
        settings = ort_static.StaticSettings()
        job = job_for(task, settings, "onnx", folder, NO_PROGRESS)
        told = describe(job, ort_static.quantize(job), plugins.method("ort_static"))
        scales.append([layer.scale for layer in told.layers])
    np.testing.assert_allclose(scales[0], scales[1], rtol=1e-5)


def test_a_value_that_is_not_finite_names_the_layer(
    task: Task, checkpoint: Checkpoint, tmp_path: Path
) -> None:
    state = torch.load(checkpoint.folder / STATE, weights_only=True)
    state["features.3.bias"][3] = float("inf")
    folder = tmp_path / "broken"
    folder.mkdir()
    torch.save(state, folder / STATE)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(CalibrationError, match=r"'features\.3' gives a value that isn't finite"):
        ort_static.quantize(
            job_for(
                with_weights(task, replace(checkpoint, folder=folder)),
                ort_static.StaticSettings(),
                "onnx",
                out,
                NO_PROGRESS,
            )
        )
    assert not list(out.iterdir())


def test_every_tensor_has_its_shape(artifacts: Callable[[str, str, str], Artifact]) -> None:
    artifact = artifacts("lenet", "ort_static", "onnx")
    onnx.checker.check_model(stored(artifact), full_check=True)
    lines = artifact.body.quantized.structure.splitlines()
    assert "Conv node_conv2d [batch, 6, 28, 28]" in lines
    assert all(line.endswith("]") for line in lines)


@pytest.mark.parametrize("model", ["lenet", "mlp"])
def test_all_of_it_runs_on_integers(
    artifacts: Callable[[str, str, str], Artifact], model: str
) -> None:
    told = artifacts(model, "ort_static", "onnx").body.quantized
    assert told.coverage.float_macs == 0
    assert all(layer.scale for layer in told.layers)
    assert {(w.type_name, w.granularity) for w in told.numerics.weights} == {("int8", "channel")}
    assert {a.type_name for a in told.numerics.activations} == {"uint8"}
