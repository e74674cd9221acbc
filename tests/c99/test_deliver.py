from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench import compiling
from quantbench.artifact import Artifact
from quantbench.c99.deliver import deliver
from quantbench.c99.targets import Target
from quantbench.errors import CompileError, StorageError
from tests.c99 import checking

Artifacts = Callable[[str, str, str], Artifact]


@pytest.fixture
def model(artifacts: Artifacts) -> Path:
    return artifacts("lenet", "ort_static", "onnx").folder / "model.onnx"


def test_what_is_printed_and_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = checking.command()
    out = tmp_path / "new" / "folder"
    compiling.compile_(model, out, Target.PORTABLE)
    said = capsys.readouterr().out
    assert "416,520" in said
    assert "RAM: 1,584 bytes, beside 1,024 of input and" in said
    assert "golden vectors: pass" in said
    subprocess.run([*command, "model.c", "main.c", "-o", "m"], cwd=out, check=True)
    ran = subprocess.run([out / "m"], check=True, capture_output=True, text=True)
    assert ran.stdout.startswith("PASS")


def test_a_folder_of_our_own_is_replaced(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "c"
    out.mkdir()
    first = deliver(model, out, Target.PORTABLE)
    second = deliver(model, out, Target.NATIVE)
    assert first.files["model.c"] != second.files["model.c"]
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


@pytest.mark.parametrize("what", ["foreign", "added", "changed", "file"])
def test_nothing_else_is_lost(model: Path, tmp_path: Path, what: str) -> None:
    out = tmp_path / "c"
    if what == "file":
        out.touch()
    elif what == "foreign":
        out.mkdir()
        (out / "mine.c").touch()
    else:
        deliver(model, out, Target.PORTABLE)
        (out / ("main.c" if what == "changed" else "mine.c")).write_text("mine")
    with pytest.raises(StorageError, match="name an"):
        deliver(model, out, Target.PORTABLE)
    assert out.is_file() or what == "foreign" or len(list(out.iterdir())) >= 5


def test_a_float_network_leaves_no_folder(artifacts: Artifacts, tmp_path: Path) -> None:
    model = artifacts("lenet", "float32", "onnx").folder / "model.onnx"
    with pytest.raises(CompileError, match="float32"):
        deliver(model, tmp_path / "c", Target.PORTABLE)
    assert not list(tmp_path.iterdir())


def test_without_a_compiler_the_files_are_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    body = deliver(model, tmp_path / "c", Target.PORTABLE).body
    assert body.flash is None
    assert body.unbuilt is not None
    assert "no C compiler" in body.unbuilt
