"""examples/lenet-c is what `quantbench compile` writes, and it runs: from C, and from a sketch."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from quantbench.c99.emit.library import Options
from quantbench.c99.package import deliver
from quantbench.c99.target.target import Target
from tests.c99 import checking

EXAMPLE = Path(__file__).parents[2] / "examples" / "lenet-c"
ARDUINO = Path(__file__).parent / "arduino"
GENERATED = ("golden.h", "lenet.c", "lenet.h", "main.c")


def without_version(text: str) -> str:
    return re.sub(r"written by quantbench \S+", "written by quantbench", text)


def test_the_tree_holds_what_is_written_today(tmp_path: Path) -> None:
    """Where this fails and the new text is right: `make regenerate` in the example's folder."""
    deliver(EXAMPLE / "lenet.onnx", tmp_path / "c", Target.PORTABLE, options=Options("lenet"))
    assert sorted(path.name for path in (EXAMPLE / "model").iterdir()) == [*GENERATED]
    for name in GENERATED:
        written = without_version((tmp_path / "c" / name).read_text("utf-8"))
        assert written == without_version((EXAMPLE / "model" / name).read_text("utf-8")), name


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, folder / "lenet-c"))


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    return done.stdout


def test_the_example_reads_a_digit(tmp_path: Path) -> None:
    compiler = " ".join(checking.command())
    folder = copied(tmp_path)
    assert run(["make", "-s", "run", f"CC={compiler}"], folder).endswith("This is a 7.\n")
    assert run(["make", "-s", "check", f"CC={compiler}"], folder) == "PASS: 8 vectors\n"


def test_a_sketch_calls_it_from_cpp(tmp_path: Path) -> None:
    """A sketch is C++ that the Arduino tools give a head and a main; the network stays C."""
    compiler = checking.command()
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    folder = copied(tmp_path)
    program = '#include "Arduino.h"\n#include "lenet.ino"\nint main() { setup(); loop(); }\n'
    (folder / "sketch.cpp").write_text(program, encoding="ascii")
    run([*compiler, "-std=c99", "-Os", "-Imodel", "-c", "model/lenet.c", "-o", "lenet.o"], folder)
    flags = ["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Imodel", f"-I{ARDUINO}"]
    run(["g++", *flags, "sketch.cpp", "lenet.o", "-o", "sketch"], folder)
    assert re.fullmatch(r"class \d, microseconds: \d+\n", run(["./sketch"], folder))
