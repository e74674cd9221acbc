"""Runtimes that answer one file differently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.results.disagreement import Accused, disagreements
from quantbench.tasks.task import Task
from tests.networks import network_of

FLOAT = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)


def moved(by: float, seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=FLOAT.shape)
    return (FLOAT + by * noise).astype(np.float32)


def found(
    runtimes: list[str], answers: list[np.ndarray], expected: np.ndarray = FLOAT
) -> list[Accused]:
    """The disagreements of networks with a single output."""
    return [*disagreements(runtimes, [(each,) for each in answers], (expected,))]


def test_outputs_are_compared_one_by_one() -> None:
    """The second differs by little beside the first's numbers, and by much beside its own."""
    large = (FLOAT * 1000).astype(np.float32)
    near, far = (large, moved(0.02, 1)), (large, moved(0.7, 2))
    (accused,) = disagreements(["a", "b"], [far, near], (large, FLOAT))
    assert accused.index == 0
    assert "their outputs 1 are" in accused.words
    twice = (moved(0.7, 3), moved(0.7, 4))
    assert len([*disagreements(["a", "b"], [twice, (FLOAT, FLOAT)], (FLOAT, FLOAT))]) == 1


def test_what_differs_by_more_than_quantizing_did_is_said_of_the_farther() -> None:
    near = moved(0.02, 1)
    alike = (near + moved(0.01, 2) - FLOAT).astype(np.float32)
    (accused,) = found(["a", "b", "c"], [moved(0.7, 3), near, alike])
    assert accused.index == 0
    difference = np.sqrt(((moved(0.7, 3) - near) ** 2).mean())
    assert accused.words.startswith(
        f"a and b answer this file differently: their outputs are {difference:.2g} apart"
    )
    assert "those of b only 0.02 from float32's" in accused.words
    error = np.sqrt(((near - FLOAT) ** 2).mean())
    assert accused.unlike.runtime == "b"
    assert accused.unlike.apart == pytest.approx(difference, rel=1e-6)
    assert accused.unlike.error == pytest.approx(error, rel=1e-6)


def test_roundings_that_have_nothing_in_common_are_not_accused() -> None:
    assert found(["a", "b"], [moved(0.02, 1), moved(0.02, 2)]) == []


@pytest.mark.parametrize(("by", "warned"), [(1e-5, 0), (1e-2, 1)])
def test_float32_may_be_added_up_in_another_order(by: float, warned: int) -> None:
    assert len(found(["a", "b"], [FLOAT, moved(by, 1)])) == warned


def test_one_runtime_alone_agrees_with_itself() -> None:
    assert found(["a"], [moved(0.5, 1)]) == []


@pytest.mark.parametrize("method", ["float32", "ort_static", "ort_dynamic", "nncf_static"])
def test_runtimes_that_compute_what_the_file_says_are_not_accused(
    artifacts: Callable[[str, str, str], Artifact], task: Task, method: str
) -> None:
    inputs = task.test.inputs()[0]
    runtimes = ["onnxruntime", "openvino"]
    expected = plugins.runtime("torch").load(artifacts("lenet", "float32", "state_dict"), 1)(inputs)
    artifact = artifacts("lenet", method, "onnx")
    answers = [plugins.runtime(name).load(artifact, 1)(inputs) for name in runtimes]
    assert found(runtimes, answers, expected) == []


class Joined(nn.Module):
    """A branch that can't be negative beside one that can."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Conv2d(1, 8, 3, padding=1)
        self.relu = nn.ReLU()
        self.right = nn.Conv2d(1, 8, 3, padding=1)
        self.last = nn.Sequential(
            nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(8), nn.Flatten(),
            nn.Linear(128, 10),
        )  # fmt: skip

    def forward(self, images: Tensor) -> Tensor:
        return self.last(torch.cat([self.relu(self.left(images)), self.right(images)], 1))


def test_openvino_is_accused_where_its_integers_are_joined_wrongly(tmp_path: Path) -> None:
    """OpenVINO 2026.4 joins integers of two scales as if they had one; onnx.reference judges.

    Where a later version computes what the file says, there is nothing to accuse it of.
    """
    import nncf
    import onnx
    import openvino
    from onnx.reference import ReferenceEvaluator

    from quantbench.export import ort_quantizer, to_onnx

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Joined().eval()
    images = np.random.default_rng(0).normal(size=(20, 1, 32, 32)).astype(np.float32)
    path = tmp_path / "model.onnx"
    ort_quantizer.float_onnx(network_of(model, (1, 32, 32)), path)
    with to_onnx.silenced():
        quantized = nncf.quantize(onnx.load(path), nncf.Dataset([{"input": images}]), subset_size=1)
    to_onnx.write(quantized, path)
    with torch.inference_mode():
        expected = model(torch.from_numpy(images)).numpy()
    reference = ReferenceEvaluator(onnx.load(path)).run(None, {"input": images})[0]
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", options)
    answered = compiled(images)[compiled.output(0)]
    warnings = found(["openvino", "reference"], [answered, reference], expected)
    right = float(np.abs(answered - reference).max()) < float(np.abs(reference - expected).max())
    assert [accused.index for accused in warnings] == ([] if right else [0])
