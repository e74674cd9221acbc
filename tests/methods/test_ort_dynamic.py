"""ONNX Runtime's dynamic quantization, in every setting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.export import ort_quantizer
from quantbench.methods import ort_dynamic
from quantbench.numerics.formats import NumberFormat
from quantbench.studies.quantize import job_for
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.methods.ort import BOUND, error, logits, made, stored, weights


@pytest.mark.parametrize("kind", ["uint8", "int8"])
@pytest.mark.parametrize("per_channel", ["true", "false"])
@pytest.mark.parametrize("model", ["lenet", "mlp"])
def test_its_logits_are_near_those_of_float(
    tasks: Callable[[str], Task],
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    model: str,
    kind: str,
    per_channel: str,
) -> None:
    task = tasks(model)
    artifact = made(task, tmp_path, "ort_dynamic", weights=kind, per_channel=per_channel)
    expected = logits(artifacts(model, "float32", "onnx"), task)
    found = logits(artifact, task)
    assert 0 < error(found, expected) < BOUND
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.98


def test_convolutions_multiply_integers_too(
    artifacts: Callable[[str, str, str], Artifact],
) -> None:
    artifact = artifacts("lenet", "ort_dynamic", "onnx")
    told = artifact.body.quantized
    assert told.coverage.float_macs == 0
    kinds = [node.op_type for node in stored(artifact).graph.node]
    assert kinds.count("ConvInteger") == 3
    assert kinds.count("MatMulInteger") == 2
    assert not {"Conv", "Gemm", "MatMul"} & set(kinds)
    per_tensor = NumberFormat(bits=8, signed=False, symmetric=False, used_bits=8)
    per_channel = per_tensor.model_copy(update={"granularity": "channel", "axis": 1})
    assert [(layer.name, layer.weights) for layer in told.layers] == [
        ("features.0", (per_tensor,)),
        ("features.3", (per_tensor,)),
        ("features.6", (per_tensor,)),
        ("classifier.0", (per_channel,)),
        ("classifier.2", (per_channel,)),
    ]
    assert told.numerics.text == (
        "weights uint8 per tensor and uint8 per channel, activations uint8 scaled at run time"
    )


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_a_reduced_range_is_that_of_seven_bits(task: Task, tmp_path: Path, kind: str) -> None:
    for reduce, span in (("true", 128), ("false", 256)):
        artifact = made(task, tmp_path, "ort_dynamic", weights=kind, reduce_range=reduce)
        found = weights(artifact)
        assert len(found) == 5
        for values in found.values():
            if kind == "int8":
                assert span // 2 - 1 <= np.abs(values).max() <= span // 2
            else:
                assert (values.min(), values.max()) == (0, span - 1)
        told = artifact.body.quantized.layers
        assert {layer.weights[0].narrowed for layer in told} == {reduce == "true"}
        assert {layer.weights[0].used_bits for layer in told} == {7 if reduce == "true" else 8}


@pytest.mark.parametrize("vnni", [True, False])
def test_the_range_is_reduced_where_sums_would_saturate(
    monkeypatch: pytest.MonkeyPatch, vnni: bool
) -> None:
    monkeypatch.setattr(ort_quantizer, "has_vnni", lambda _: vnni)
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    assert not ort_dynamic.DynamicSettings().reduce_range
    assert ort_dynamic.DynamicSettings(weights="int8").reduce_range == (not vnni)


def test_it_leaves_one_file_and_says_nothing(
    task: Task, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = ort_dynamic.DynamicSettings()
    ort_dynamic.quantize(job_for(task, settings, "onnx", tmp_path, NO_PROGRESS))
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert capfd.readouterr() == ("", "")
