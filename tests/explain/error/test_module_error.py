"""Errors by layer of PyTorch's artifacts, against whole outputs and PyTorch's own measure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.ao.ns.fx.utils import compute_sqnr

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.explain.error.module_error import module_errors
from quantbench.explain.records import ErrorByLayer, LayerError
from quantbench.export.engine import SEVEN_BIT, using_engine
from quantbench.export.loaded import engine_of, loaded
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.explain.conftest import artifact_of, task_of


@pytest.fixture(scope="module")
def signal() -> Task:
    return task_of("signal")


def measured(artifact: Artifact, task: Task) -> ErrorByLayer:
    return module_errors(artifact, task.network, task.test, NO_PROGRESS)


def by_layer(errors: ErrorByLayer) -> dict[str, LayerError]:
    return {layer.layer: layer for layer in errors.layers}


def inputs_of(task: Task) -> Tensor:
    return torch.from_numpy(task.test.inputs()[0])


@pytest.mark.parametrize("method", ["static", "dynamic"])
def test_the_last_layer_has_the_error_of_the_runtimes_answer(
    method: str, signal: Task, tmp_path: Path
) -> None:
    artifact = artifact_of(signal, method, "state_dict", tmp_path)
    with torch.inference_mode():
        expected = signal.network.module()(inputs_of(signal))
    predict = plugins.runtime("torch").load(artifact, 1)
    outputs = torch.from_numpy(predict(inputs_of(signal).numpy()))
    found = by_layer(measured(artifact, signal))
    told = float(compute_sqnr(expected, outputs))
    assert found["head"].sqnr_db == pytest.approx(told, abs=1e-3)
    assert ("input" in found) == (method == "static")  # dynamic rounds each layer's input itself


def test_a_layer_alone_is_the_quantized_module_fed_with_float_values(
    signal: Task, tmp_path: Path
) -> None:
    """Its input is rounded to the format that it reads; a batch norm is folded into it."""
    artifact = artifact_of(signal, "static", "state_dict", tmp_path)
    module, values = signal.network.module(), inputs_of(signal)
    with torch.inference_mode(), using_engine(engine_of(artifact)):
        converted: Any = loaded(artifact).module
        read = module.relu(module.norm(module.first(values)))
        expected = module.second(read)
        first = converted.module.first
        rounded = torch.quantize_per_tensor(read, first.scale, first.zero_point, torch.quint8)
        made = converted.module.second(rounded).dequantize()
        normed = module.norm(module.first(values))
        given = first(converted.quant(values)).dequantize()
    found = by_layer(measured(artifact, signal))
    assert found["second"].made_db == pytest.approx(float(compute_sqnr(expected, made)), abs=0.01)
    assert found["first"].sqnr_db == pytest.approx(float(compute_sqnr(normed, given)), abs=1e-3)
    assert found["first"].levels == (128 if engine_of(artifact) in SEVEN_BIT else 256)
    assert "norm" not in found


def test_layers_that_dynamic_quantization_leaves_float_make_no_error(
    signal: Task, tmp_path: Path
) -> None:
    found = by_layer(measured(artifact_of(signal, "dynamic", "state_dict", tmp_path), signal))
    assert found["first"].sqnr_db == found["second"].made_db == 200
    assert 30 < found["head"].made_db < 60
    assert found["head"].levels == 0


def test_a_layer_with_its_activation_folded_in(tmp_path: Path) -> None:
    features = task_of("features")
    errors = measured(artifact_of(features, "static", "state_dict", tmp_path), features)
    assert [layer.layer for layer in errors.layers] == ["input", "layers.0", "layers.2"]
    outputs = next(h for h in errors.histograms if h.layer == "layers.0" and h.what != "weights")
    assert outputs.low == outputs.edges[0] == 0  # behind the ReLU


def test_an_uncalibrated_network_uses_few_of_its_levels(signal: Task, tmp_path: Path) -> None:
    artifact = artifact_of(signal, "static_uncalibrated", "state_dict", tmp_path)
    errors = measured(artifact, signal)
    found = by_layer(errors)
    assert found["first"].levels_used <= 5
    assert found["first"].made_db < 5
    ranges = {h.layer: h.high for h in errors.histograms if h.what == "activations"}
    assert ranges["first"] in (127, 255)  # at scale 1


def test_layers_wrapped_one_by_one(residual: Task, tmp_path: Path) -> None:
    """An addition between layers stays float, and so each layer rounds its own input."""
    errors = measured(artifact_of(residual, "static", "state_dict", tmp_path), residual)
    found = by_layer(errors)
    assert found.keys() == {"stem", "branch", "head"}
    assert all(25 < layer.sqnr_db < 60 for layer in found.values())
    weights = {h.layer: sum(h.counts) for h in errors.histograms if h.what == "weights"}
    assert weights == {"stem": 8 * 3 * 9, "branch": 8 * 8 * 9, "head": 4 * 8}
