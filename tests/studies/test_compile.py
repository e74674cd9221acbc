"""`quantbench.compile`: the C of a network, from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import quantbench as qb
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError, UnknownNameError, UsageError

Artifacts = Callable[[str, str, str], Artifact]


def test_an_artifact_and_its_file_give_the_same_c(artifacts: Artifacts, tmp_path: Path) -> None:
    artifact = artifacts("mlp", "ort_static", "onnx")
    of_artifact = qb.compile(artifact, tmp_path / "a")
    of_file = qb.compile(str(artifact.folder / "model.onnx"), str(tmp_path / "b"))
    assert {"model.c", "model.h", "main.c"} <= of_artifact.files.keys()
    assert of_artifact.files == of_file.files
    assert of_artifact.folder == tmp_path / "a"
    assert sum(layer.macs for layer in of_artifact.body.layers) == 1024 * 64 + 64 * 10


def test_float32_and_wide_registers(artifacts: Artifacts, tmp_path: Path) -> None:
    float32 = artifacts("mlp", "float32", "onnx")
    assert qb.compile(float32, tmp_path / "f", dtype="float32").body.dtype == "float32"
    artifact = artifacts("mlp", "ort_static", "onnx")
    native = qb.compile(artifact, tmp_path / "n", target="native", name="mlp", isa=("avx2",))
    assert {"mlp.c", "mlp.h"} <= native.files.keys()
    text = (native.folder / "mlp.c").read_text("utf-8")
    assert "MLP_AVX2" in text
    assert "AVX512" not in text
    assert native.body.target == "native"


def test_what_can_not_be_compiled_is_named(artifacts: Artifacts, tmp_path: Path) -> None:
    onnx = artifacts("mlp", "ort_static", "onnx")
    with pytest.raises(UnknownNameError, match="unknown target 'cortex'; did you mean 'cortex-m"):
        qb.compile(onnx, tmp_path / "c", target="cortex")
    with pytest.raises(UnknownNameError, match="unknown dtype 'int4'; did you mean 'int8'"):
        qb.compile(onnx, tmp_path / "c", dtype="int4")
    with pytest.raises(
        UsageError, match="is of format 'state_dict'; quantize in the format 'onnx'"
    ):
        qb.compile(artifacts("mlp", "static", "state_dict"), tmp_path / "c")
    with pytest.raises(ArtifactError, match=r"none\.onnx"):
        qb.compile(tmp_path / "none.onnx", tmp_path / "c")
    assert not (tmp_path / "c").exists()
