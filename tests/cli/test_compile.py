"""Where `quantbench compile` takes its network from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.cli.compile import artifact_of, source
from quantbench.errors import ArtifactError, UsageError
from tests.process import python
from tests.report.builder import results, row

Artifacts = Callable[[str, str, str], Artifact]


@pytest.fixture
def study(artifacts: Artifacts, tmp_path: Path) -> Path:
    """A folder of results that holds one ONNX file of `ort_static`."""
    folder = artifacts("mlp", "ort_static", "onnx").folder
    shutil.copytree(folder, tmp_path / "results" / "artifacts" / folder.name)
    return tmp_path / "results"


def stored(study: Path) -> Path:
    (folder,) = (study / "artifacts").glob("ort_static-onnx-*")
    return folder


def test_the_only_one_of_a_method_is_compiled(study: Path, tmp_path: Path) -> None:
    model = stored(study) / "model.onnx"
    assert artifact_of(study, "ort_static") == model
    arguments = ("-m", "quantbench", "compile", "--from", "results", "ort_static", "-o", "c")
    done = python(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"compiled from {model.relative_to(tmp_path)}\n" in done.stdout
    assert (tmp_path / "c" / "model.c").is_file()


def test_of_several_the_one_that_results_name_is_taken(study: Path) -> None:
    model, other = stored(study), study / "artifacts" / "ort_static-onnx-000000000000"
    shutil.copytree(model, other)
    with pytest.raises(UsageError, match="holds 2 networks that 'ort_static' wrote") as caught:
        artifact_of(study, "ort_static")
    assert all(str(folder / "model.onnx") in str(caught.value) for folder in (model, other))
    named = row("ort_static", format="onnx", artifact=f"artifacts/{model.name}")
    (study / "results.json").write_text(results(row(), named).model_dump_json())
    assert artifact_of(study, "ort_static") == model / "model.onnx"


def test_what_is_not_there_is_named_with_what_is(study: Path, tmp_path: Path) -> None:
    for method in ("static", "*", "../artifacts/ort_static", ""):
        with pytest.raises(UsageError, match="it holds one of ort_static"):
            artifact_of(study, method)
    with pytest.raises(UsageError, match="`quantbench quantize ort_static` writes one"):
        artifact_of(tmp_path / "none", "ort_static")


def test_a_changed_file_is_not_compiled(study: Path) -> None:
    with (stored(study) / "model.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ArtifactError, match="SHA-256 differs"):
        artifact_of(study, "ort_static")


def test_no_network_and_no_folder_say_how(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        source("", None, None)
    for way in ("compile MODEL.onnx -o FOLDER", "compile --from results METHOD -o FOLDER"):
        assert f"quantbench {way}" in str(caught.value)
    with pytest.raises(UsageError, match="-o FOLDER"):
        source("model.onnx", None, None)
