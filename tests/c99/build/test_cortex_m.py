"""What is said where a network can't be counted on a microcontroller."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from quantbench.c99.build.cortex_m import Built, Counts, counted
from quantbench.c99.generate import emit
from quantbench.c99.package import Costs
from quantbench.c99.target.target import Target
from quantbench.report.terminal.compiled import memory
from tests.c99.builder import lenet


def costs(counts: Counts) -> Costs:
    return Costs(
        target="cortex-m7", layers=(), input=1024, output=40, scratch=1584, flash=66_000,
        unbuilt=None, counts=counts,
    )  # fmt: skip


def test_what_is_printed() -> None:
    built = (
        Built(level="-Os", flash=65_002, instructions=5_065_400, stack=176),
        Built(level="-O2", flash=65_302, instructions=4_581_275, stack=188),
    )
    counts = Counts(compiler="gcc", simulator="QEMU", built=built, resolution=10, missing=None)
    assert memory(costs(counts)) == (
        "flash: 65,002 bytes of code and constants (-Os, cortex-m7)",
        "RAM: 1,584 bytes, beside 1,024 of input and 40 of output, and 176 of stack",
        "instructions, not cycles, of an inference: 5,065,400 with -Os, 4,581,275 with -O2 "
        "(flash: 65,302); counted by QEMU to within 10",
        "golden vectors: pass on this machine and on cortex-m7",
    )


@pytest.mark.parametrize("tool", ["arm-none-eabi-gcc", "qemu-system-arm"])
def test_a_tool_that_is_missing(monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name: None if name == tool else which(name))
    counts = counted(emit(lenet()).files, Target.CORTEX_M7)
    assert all(one.instructions is None for one in counts.built)
    _, _, said, passed = memory(costs(counts))
    assert said.startswith("instructions: not counted: there is no ")
    assert "install gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm" in said
    assert passed == "golden vectors: pass on this machine"


def test_a_compiler_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        (tmp_path / tool).write_text(
            "#!/bin/sh\ncase $* in *rdimon*) echo 'fatal error: no rdimon.specs'; exit 1;;\n"
            "--version) echo none; exit;; esac\n"
            "for last; do :; done\nprintf '\\177ELF\\1\\1%100s' > $last\n"
        )
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    counts = counted(emit(lenet()).files, Target.CORTEX_M7)
    assert counts.missing
    assert "can't build a program (fatal error: no rdimon.specs); install gcc-arm" in counts.missing
