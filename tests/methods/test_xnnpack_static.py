from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import CalibrationError, UnavailableError
from quantbench.export import to_executorch
from quantbench.export.reading import describe
from quantbench.methods import float32, xnnpack_static
from quantbench.numerics.formats import FLOAT32
from quantbench.studies.quantize import job_for, quantize
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.methods.ort import BOUND, error, logits
from tests.networks import network_of


@pytest.mark.parametrize("each", ["per channel", "per tensor"])
def test_its_logits_are_near_those_of_float(
    task: Task,
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    each: str,
) -> None:
    settings = xnnpack_static.SETTINGS(per_channel=each == "per channel")
    artifact = quantize(task, "xnnpack_static", settings, "executorch", tmp_path)
    found = plugins.runtime("executorch").load(artifact, 1)(task.test.inputs()[0])
    assert error(found, logits(artifacts("lenet", "float32", "onnx"), task)) < BOUND
    told = artifact.body.quantized
    assert told.numerics.text == f"weights int8 {each}, activations int8"
    assert {layer.weights[0].granularity for layer in told.layers} == {each.removeprefix("per ")}
    assert told.notes == ("calibrated on 120 samples",)  # nothing is outside XNNPACK
    assert told.structure.splitlines()[-1].startswith("return")


def test_its_logits_are_quantized_too(artifacts: Callable[[str, str, str], Artifact]) -> None:
    artifact = artifacts("lenet", "xnnpack_static", "executorch")
    last = artifact.body.quantized.layers[-1]
    found = plugins.runtime("executorch").load(artifact, 1)(np.zeros((1, 1, 32, 32), np.float32))
    assert last.scale is not None
    steps = found / last.scale
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-3)


def test_what_xnnpack_leaves_to_others_is_listed(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.SELU(), nn.Flatten(), nn.Linear(72, 10)).eval()
    outside = to_executorch.lower(model, network_of(model, (1, 8, 8)), tmp_path / "model.pte")
    assert outside == {"aten_elu_default": "1"}
    assert to_executorch.note(outside) == (
        "on ExecuTorch's portable kernels, outside XNNPACK: aten_elu_default",
    )


def test_a_layer_left_to_others_is_float(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(to_executorch, "lower", lambda *_: {"aten_linear_default": "classifier.0"})
    settings = xnnpack_static.SETTINGS()
    job = job_for(task, settings, "executorch", tmp_path, NO_PROGRESS)
    told = describe(job, xnnpack_static.quantize(job), plugins.method("xnnpack_static"))
    float_layers = [layer for layer in told.layers if not layer.integer]
    assert [layer.name for layer in float_layers] == ["classifier.0"]
    assert (float_layers[0].weights, float_layers[0].scale) == ((FLOAT32,), None)
    assert float_layers[0].reason == "XNNPACK doesn't take it: a portable kernel runs it in float32"


def test_without_executorch_only_its_format_is_missing(
    task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "executorch":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    reason = "executorch is not installed"
    assert reason in (plugins.why_unavailable("methods", "xnnpack_static") or "")
    assert plugins.why_unavailable("methods", "float32") is None
    with pytest.raises(UnavailableError, match=reason):
        quantize(task, "float32", float32.SETTINGS(), "executorch", tmp_path)
    assert quantize(task, "float32", float32.SETTINGS(), "state_dict", tmp_path).bytes


def test_a_value_that_is_not_finite_names_its_layer(task: Task, tmp_path: Path) -> None:
    model = task.network.module()
    with torch.no_grad():
        next(model.parameters())[0] = torch.inf
    settings = xnnpack_static.SETTINGS()
    job = job_for(task, settings, "executorch", tmp_path, NO_PROGRESS)
    with pytest.raises(CalibrationError, match="isn't finite"):
        xnnpack_static.quantize(
            replace(job, network=network_of(model, task.network.inputs[0].shape))
        )
