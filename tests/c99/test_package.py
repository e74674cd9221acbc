from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.c99.build.library import WARNINGS
from quantbench.c99.emit.library import Options
from quantbench.c99.package import deliver
from quantbench.c99.target.target import Dtype, Target
from quantbench.cli import compile
from quantbench.errors import CompileError, StorageError, UsageError
from quantbench.system.files import sha256_of
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
    compile.compile_(compile.Source(model, out), Target.PORTABLE)
    said = capsys.readouterr().out
    assert "416,520" in said
    assert "RAM: 1,798 bytes, beside 1,024 of input and" in said
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


@pytest.mark.parametrize(
    ("method", "dtype", "instead"),
    [("float32", Dtype.INT8, "float32"), ("ort_static", Dtype.FLOAT32, "int8")],
)
def test_the_option_for_the_other_network_leaves_no_folder(
    artifacts: Artifacts, tmp_path: Path, method: str, dtype: Dtype, instead: str
) -> None:
    model = artifacts("lenet", method, "onnx").folder / "model.onnx"
    with pytest.raises(CompileError, match=f"--dtype {instead} compiles it") as caught:
        deliver(model, tmp_path / "c", Target.PORTABLE, dtype)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", Target)
def test_float32_is_written_too(
    artifacts: Artifacts, tmp_path: Path, capsys: pytest.CaptureFixture[str], target: Target
) -> None:
    command = checking.command()
    model = artifacts("lenet", "float32", "onnx").folder / "model.onnx"
    compile.compile_(compile.Source(model, tmp_path / "c"), target, Dtype.FLOAT32)
    said = capsys.readouterr().out
    assert "416,520" in said
    assert "RAM: 6,304 bytes, beside 4,096 of input and 40 of output" in said
    assert "golden vectors: pass" in said
    build = [*command, "-std=c99", *WARNINGS, "model.c", "main.c", "-o", "m"]
    subprocess.run(build, cwd=tmp_path / "c", check=True)
    ran = subprocess.run([tmp_path / "c" / "m"], check=True, capture_output=True, text=True)
    assert ran.stdout.startswith("PASS")


def test_without_a_compiler_the_files_are_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    body = deliver(model, tmp_path / "c", Target.PORTABLE).body
    assert body.flash is None
    assert body.unbuilt is not None
    assert "no C compiler" in body.unbuilt


def test_under_a_name(model: Path, tmp_path: Path) -> None:
    command = checking.command()
    stored = deliver(model, tmp_path / "c", Target.PORTABLE, options=Options("lenet"))
    assert stored.files.keys() == {"lenet.h", "lenet.c", "golden.h", "main.c"}
    assert stored.body.flash
    assert [layer.name for layer in stored.body.layers] == [
        "features.0",
        "features.3",
        "features.6",
        "classifier.0",
        "classifier.2",
    ]
    text = (tmp_path / "c" / "lenet.c").read_text("utf-8")
    assert f"source  ONNX file with SHA-256 {sha256_of(model)}\n" in text
    assert "/* l0 features.0: 1x32x32 -> 6x14x14, 5x5 conv, ReLU, 2x2 average pool */" in text
    assert "static const int8_t lenet_l0_features_0_weights[] = {" in text
    subprocess.run([*command, "lenet.c", "main.c", "-o", "m"], cwd=tmp_path / "c", check=True)


@pytest.mark.parametrize(
    ("options", "target"),
    [
        (Options("a*/"), Target.PORTABLE),
        (Options(isas=("avx2",)), Target.PORTABLE),
        (Options(isas=("mmx",)), Target.NATIVE),
    ],
)
def test_options_are_looked_at_before_the_network(
    tmp_path: Path, options: Options, target: Target
) -> None:
    with pytest.raises(UsageError, match=r"--name|--isa"):
        deliver(tmp_path / "no-such.onnx", tmp_path / "c", target, options=options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("build", [None, "build"])
def test_nothing_is_built_in_the_system_s_temporary_folder(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: str | None
) -> None:
    """It may be full, or no program may run there. What is built is gone afterwards."""
    checking.command()
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "no-such-folder"))
    folder = Path(build) if build else None
    stored = deliver(model, tmp_path / "c", Target.PORTABLE, build=folder)
    assert stored.body.flash
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_dir()) == ["build", "c"]


def test_a_build_folder_that_is_none(model: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is no folder; name one that exists with --build"):
        deliver(model, tmp_path / "c", Target.PORTABLE, build=tmp_path / "none")
    assert not (tmp_path / "c").exists()
