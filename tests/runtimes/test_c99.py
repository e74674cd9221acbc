"""The C of a network that a method quantized, against the NumPy that is the authority."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quantbench.artifact import Artifact
from quantbench.runtimes import c99, reference
from quantbench.task import Task
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
    inputs = task.inputs(task.test)
    here = c99.load(artifact, 1)(inputs)
    assert here.tobytes() == reference.load(artifact, 1)(inputs).tobytes()
    assert here.tobytes() == c99.load(artifact, 2)(inputs).tobytes()


@pytest.mark.parametrize("method", ["float32", "ort_dynamic"])
def test_what_is_not_integers_is_refused(artifacts: Artifacts, method: str) -> None:
    assert c99.refuses(artifacts("lenet", method, "onnx"))


def test_no_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no C compiler found" in str(c99.unavailable())
