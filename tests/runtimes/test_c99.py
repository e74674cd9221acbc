"""The C of a network: a quantized one against the NumPy that is the authority, float32 against
ONNX Runtime.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.runtimes import c99, onnxruntime, reference
from quantbench.tasks.task import Task
from tests.c99 import checking

Artifacts = Callable[[str, str, str], Artifact]


@pytest.mark.parametrize("model", ["lenet", "mlp"])
@pytest.mark.parametrize("method", ["ort_static", "nncf_static", "pt2e_static", "qat"])
def test_the_same_bits_as_the_reference(
    artifacts: Artifacts, tasks: Callable[[str], Task], model: str, method: str
) -> None:
    checking.command()
    artifact, task = artifacts(model, method, "onnx"), tasks(model)
    if why := reference.refuses(artifact):
        assert c99.refuses(artifact) == why
        pytest.skip(why)
    inputs = task.test.inputs()[0]
    here = c99.load(artifact, 1)(inputs)
    assert here.tobytes() == reference.load(artifact, 1)(inputs).tobytes()
    assert here.tobytes() == c99.load(artifact, 2)(inputs).tobytes()


@pytest.mark.parametrize("model", ["lenet", "mlp"])
def test_float32_is_that_of_onnx_runtime(
    artifacts: Artifacts, tasks: Callable[[str], Task], model: str
) -> None:
    """But for the order of sums."""
    checking.command()
    artifact, task = artifacts(model, "float32", "onnx"), tasks(model)
    assert c99.refuses(artifact) is None
    inputs = task.test.inputs()[0]
    here, there = c99.load(artifact, 1)(inputs), onnxruntime.load(artifact, 1)(inputs)
    assert np.abs(here - there).max() <= 1e-5 * np.abs(there).max()
    assert here.tobytes() == c99.load(artifact, 2)(inputs).tobytes()


def test_what_is_quantized_while_it_runs_is_refused(artifacts: Artifacts) -> None:
    reason = c99.refuses(artifacts("lenet", "ort_dynamic", "onnx"))
    assert reason is not None
    assert "DynamicQuantizeLinear" in reason


def test_no_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler found" in str(c99.unavailable())
