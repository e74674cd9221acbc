from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.artifacts.artifact import KIND, Artifact
from quantbench.artifacts.records import ArtifactBody
from quantbench.c99.ir import sizes
from quantbench.errors import ArtifactError
from quantbench.numerics.coverage import Quantized
from quantbench.runtimes import reference
from quantbench.system.store import save
from quantbench.tasks.task import Task
from tests.c99.models import Model, images


def artifact_of(model: Model, folder: Path) -> Artifact:
    def fill(into: Path) -> ArtifactBody:
        model.saved(into)
        return ArtifactBody(
            model="small",
            data="none",
            method="none",
            format="onnx",
            settings={},
            network_sha256="",
            quantized=Quantized(layers=(), structure=""),
        )

    return save(folder / "artifact", KIND, {}, fill)


def classes(*, softmax: bool) -> Model:
    model = Model()
    model.pair("x")
    model.add("Flatten")
    model.add("MatMul", None, model.weights(np.arange(96).reshape(32, 3) % 7 - 3))
    if softmax:
        model.add("Softmax")
    return model


def test_a_softmax_at_the_end_is_taken_in_float(tmp_path: Path) -> None:
    inputs = images(5, 2, 4, 4) / 10
    for name in ("logits", "probabilities"):
        (tmp_path / name).mkdir()
    logits = reference.load(artifact_of(classes(softmax=False), tmp_path / "logits"), 1)(inputs)
    model = artifact_of(classes(softmax=True), tmp_path / "probabilities")
    found = reference.load(model, 1)(inputs)
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    assert found.dtype == np.float32


def test_parts_of_a_batch_give_the_same_bits(
    artifacts: Callable[[str, str, str], Artifact],
    tasks: Callable[[str], Task],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifact, task = artifacts("lenet", "ort_static", "onnx"), tasks("lenet")
    inputs = task.test.inputs()[0][:23]
    whole = reference.load(artifact, 1)(inputs)
    monkeypatch.setattr(sizes, "_AT_ONCE", 10 * 6 * 28 * 28)  # sums of the first layer
    assert reference.load(artifact, 1)(inputs).tobytes() == whole.tobytes()


def test_a_file_that_is_not_onnx_is_refused(tmp_path: Path) -> None:
    artifact = artifact_of(classes(softmax=False), tmp_path)
    (artifact.folder / "model.onnx").write_bytes(b"\x00")
    assert "is not an ONNX model" in (reference.refuses(artifact) or "")
    with pytest.raises(ArtifactError, match="is not an ONNX model"):
        reference.load(artifact, 1)


def test_nan_is_the_lowest_input(tmp_path: Path) -> None:
    predict = reference.load(artifact_of(classes(softmax=False), tmp_path), 1)
    lowest, broken = images(1, 2, 4, 4), images(1, 2, 4, 4)
    lowest[0, 0, 0, 0], broken[0, 0, 0, 0] = -np.inf, np.nan
    assert predict(lowest).tobytes() == predict(broken).tobytes()
