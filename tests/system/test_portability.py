"""A system that lacks what Linux has: what needs no worker works, the rest says what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from quantbench.artifacts.artifact import Artifact
from quantbench.system import machine
from tests.process import python

ELSEWHERE = """
import os, signal, sys
import asyncio, importlib.metadata, shutil, subprocess, tempfile  # which read at import what goes
shutil._use_fd_functions = False  # as where these flags are absent
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for name in ("sched_getaffinity", "killpg", "setsid", "getloadavg", "sysconf", "pread", "pwrite",
             "getuid", "geteuid", "O_NOCTTY", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC"):
    if name in vars(os):
        delattr(os, name)
shown = {name: number for name, number in signal.Signals.__members__.items() if name != "SIGHUP"}
del signal.SIGHUP
signal.Signals = type("Signals", (), {"__iter__": lambda _: iter(shown.values())})()
from quantbench.cli.app import main
sys.argv = ["quantbench", *sys.argv[1:]]
main()
"""


def test_a_network_is_compiled_there(
    artifacts: Callable[[str, str, str], Artifact], tmp_path: Path
) -> None:
    model = artifacts("mlp", "ort_static", "onnx").folder / "model.onnx"
    done = python("-c", ELSEWHERE, "compile", str(model), "-o", "there", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    here = python("-m", "quantbench", "compile", str(model), "-o", "here", cwd=tmp_path)
    assert here.returncode == 0, here.stderr
    for path in (tmp_path / "here").iterdir():
        assert (tmp_path / "there" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("arguments", [("list",), ("--version",), ("describe", "mlp"), ("-h",)])
def test_what_measures_nothing_works_there(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = python("-c", ELSEWHERE, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_doctor_says_what_the_system_lacks(tmp_path: Path) -> None:
    done = python("-c", ELSEWHERE, "doctor", "--offline", cwd=tmp_path, COLUMNS="200")
    assert done.returncode == 0, done.stderr
    assert (
        "lacks file locks (fcntl), process groups (os.killpg), which training and measuring need"
        in done.stdout
    )
    lines = {line[:22].strip(): line[22:].strip() for line in done.stdout.splitlines()}
    assert lines["memory"] == lines["load"] == "not shown by this system"


def test_a_study_is_refused_there_in_one_line(tmp_path: Path) -> None:
    done = python("-c", ELSEWHERE, "train", "--offline", cwd=tmp_path)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "lacks file locks (fcntl), process groups (os.killpg)" in line
    assert "run them on Linux or macOS" in line


def test_here_nothing_is_lacking() -> None:
    assert machine.why_no_studies() is None


def test_without_proc_the_peak_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    here = machine.peak_memory()
    monkeypatch.setattr(machine, "_read", lambda _: None)
    assert machine.peak_memory() == pytest.approx(here, rel=0.5)
    assert machine.peak_memory() > 10 << 20
