"""Compiling takes seconds, but once: the libraries stay in the user's cache."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import StorageError, UnavailableError
from quantbench.export import inductor
from quantbench.runtimes import torch_compile
from quantbench.tasks.task import Task
from tests.process import python

Artifacts = Callable[[str, str, str], Artifact]

CHILD = """
import sys
from pathlib import Path
import numpy as np
from quantbench.artifacts.artifact import load_artifact
from quantbench.runtimes import torch_compile

predict = torch_compile.load(load_artifact(Path(sys.argv[1])), 1)
predict(np.zeros((int(sys.argv[2]), 1, 32, 32), np.float32))
"""


@pytest.mark.slow
@pytest.mark.parametrize("batch", [1, 1000])
def test_int8_kernels_run_in_every_layer(artifacts: Artifacts, tmp_path: Path, batch: int) -> None:
    """As oneDNN itself says of each kernel that it runs."""
    artifact = artifacts("lenet", "pt2e_static", "pt2")
    torch_compile.load(artifact, 1)
    said = python("-c", CHILD, str(artifact.folder), str(batch), cwd=tmp_path, ONEDNN_VERBOSE="1")
    kernel = re.compile(r",exec,cpu,(convolution|inner_product|matmul),")
    ran = [line for line in said.stdout.splitlines() if kernel.search(line)]
    assert said.returncode == 0
    assert len(ran) == 5, said.stdout
    assert all(" wei:s8:" in line and ",src:u8:" in line for line in ran)


@pytest.mark.slow
def test_sizes_without_a_library_are_answered_in_full_batches(
    artifacts: Artifacts, task: Task
) -> None:
    predict = torch_compile.load(artifacts("lenet", "float32", "pt2"), 1)
    inputs = np.tile(task.test.inputs()[0], (11, 1, 1, 1))  # 2200
    whole = predict(inputs)
    assert whole.shape == (2200, 10)
    np.testing.assert_allclose(predict(inputs[:1000]), whole[:1000], atol=1e-5)
    np.testing.assert_allclose(predict(inputs[2199:]), whole[2199:], atol=1e-5)


@pytest.mark.slow
def test_a_library_is_made_once(artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = artifacts("lenet", "float32", "pt2")
    torch_compile.load(artifact, 1)

    def again(*arguments: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(inductor, "_compile_in_child", again)
    torch_compile.load(artifact, 1)
    with pytest.raises(AssertionError, match="compiled again"):
        torch_compile.load(artifact, 2)


@pytest.mark.slow
def test_another_cpu_gets_a_library_of_its_own(
    artifacts: Artifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifacts("lenet", "float32", "pt2")
    torch_compile.load(artifact, 1)
    here = inductor.environment()
    other = here.model_copy(update={"instruction_sets": ("avx2",)})
    monkeypatch.setattr(inductor, "environment", lambda **_: other)
    asked: list[object] = []

    def stop(*arguments: object) -> None:
        asked.append(arguments)
        raise UnavailableError("asked")

    monkeypatch.setattr(inductor, "_compile_in_child", stop)
    with pytest.raises(UnavailableError, match="asked"):
        torch_compile.load(artifact, 1)
    assert len(asked) == 1


MODEL = b"this program is never read"


class Built:
    """Stands for the compiling process: libraries that only hash, and what Inductor keeps."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.found: list[set[str]] = []

    def __call__(self, *arguments: Any) -> None:
        _, batches, _, out, work = arguments
        self.batches.append(batches)
        self.found.append({path.name for path in work.rglob("*") if path.is_file()})
        for batch in batches:
            (out / f"{batch}.so").write_bytes(b"library %d" % batch)
        (work / "headers").mkdir(exist_ok=True)
        (work / "headers" / "precompiled.gch").write_bytes(b"headers")
        (work / f"probe{len(self.batches)}.so").write_bytes(b"probe")


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))
    child = Built()
    monkeypatch.setattr(inductor, "_compile_in_child", child)
    return child


def contents(batches: tuple[int, ...], threads: int = 1) -> list[bytes]:
    with inductor.libraries(Path("model.pt2"), "0", batches, threads) as made:
        return [made[batch].read_bytes() for batch in batches]


def test_what_is_missing_or_damaged_is_compiled_again(tmp_path: Path, built: Built) -> None:
    assert contents((1, 1000)) == [b"library 1", b"library 1000"]
    assert contents((1, 1000)) == [b"library 1", b"library 1000"]
    assert built.batches == [[1, 1000]]
    with inductor.libraries(Path("model.pt2"), "0", (1,), 1) as made:
        path = made[1]
    for damage in (b"Library 1", b"library", b""):
        path.write_bytes(damage)
        assert contents((1000, 1)) == [b"library 1000", b"library 1"]
    assert built.batches[1:] == [[1]] * 3
    assert contents((1, 8), threads=2) == [b"library 1", b"library 8"]
    assert built.batches[-1] == [1, 8]


def test_what_inductor_keeps_is_used_only_as_it_was_left(tmp_path: Path, built: Built) -> None:
    for batch in (1, 2):
        contents((batch,))
    assert built.found == [set(), {"precompiled.gch", "probe1.so"}]
    (work,) = (tmp_path / "cache" / "inductor").glob("work-*[!.json][!.lock]")
    damages = [
        lambda: (work / "probe1.so").write_bytes(b"Probe"),
        lambda: (work / "headers" / "precompiled.gch").unlink(),
        lambda: (work / "half.so").write_bytes(b""),
        lambda: (work / "half").symlink_to("/etc/hostname"),
        lambda: work.with_name(f"{work.name}.json").write_bytes(b"{"),
    ]
    for batch, damage in enumerate(damages, 3):
        damage()
        contents((batch,))
        assert built.found[-1] == set()
    contents((100,))
    assert built.found[-1] == {"precompiled.gch", f"probe{len(built.batches) - 1}.so"}


def test_a_compilation_that_was_killed_leaves_nothing_that_is_used(
    tmp_path: Path, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents((1,))

    def killed(model: Path, batches: list[int], threads: int, out: Path, work: Path) -> None:
        (work / "half.so").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(inductor, "_compile_in_child", killed)
    with pytest.raises(KeyboardInterrupt):
        contents((2,))
    monkeypatch.setattr(inductor, "_compile_in_child", built)
    assert contents((2,)) == [b"library 2"]
    assert built.found[-1] == set()


def test_a_program_that_does_not_compile_is_named(tmp_path: Path) -> None:
    model = tmp_path / "float32-pt2-x" / "model.pt2"
    model.parent.mkdir()
    model.write_bytes(b"no archive")
    with pytest.raises(
        UnavailableError, match=r"can't compile float32-pt2-x: .*not a readable"
    ) as e:
        inductor._compile_in_child(model, [1], 1, tmp_path, tmp_path)
    assert len(str(e.value).splitlines()) == 1


def test_a_cache_that_can_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "file"))
    with (
        pytest.raises(StorageError, match="set QUANTBENCH_CACHE"),
        inductor.libraries(tmp_path / "model.pt2", "", (1,), 1),
    ):
        pass


def test_no_compiler_or_one_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert torch_compile.unavailable() is None
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "'no-such-compiler' is not found; install g++" in str(torch_compile.unavailable())
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'fatal error: omp.h: caf\\351' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    assert "can't compile a few lines with OpenMP: fatal error" in str(torch_compile.unavailable())


def test_a_compiler_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(command: list[str], **more: object) -> None:
        raise subprocess.TimeoutExpired(command, 60)

    monkeypatch.setattr(subprocess, "run", hangs)
    assert "can't be run" in str(torch_compile.unavailable())
