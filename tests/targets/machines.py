"""Machines that this one is not: how C is built for each, and what runs it here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from quantbench.c99.cortex import simulation
from quantbench.c99.targets import Target
from tests.c99.together import PROGRAM


@dataclass(frozen=True)
class Machine:
    """`files`: of c99/cortexm, that a program without an operating system needs beside it."""

    name: str
    compiler: tuple[str, ...]
    run: tuple[str, ...]
    files: tuple[str, ...] = ()

    def prepare(self, folder: Path) -> None:
        for name in self.files:
            found = resources.files("quantbench.c99") / "cortexm" / name
            (folder / name).write_bytes(found.read_bytes())


def _linux(name: str, tools: str, emulator: tuple[str, ...], *flags: str) -> Machine:
    return Machine(name, (f"{tools}-gcc", "-static", *flags), (*emulator, PROGRAM))


def _bare(target: Target, *flags: str) -> Machine:
    compiler = (
        "arm-none-eabi-gcc", f"-mcpu={target}", "-mthumb", "--specs=rdimon.specs",
        "-T", "board.ld", "board.c", *flags,
    )  # fmt: skip
    return Machine(str(target), compiler, simulation(target, PROGRAM), ("board.ld", "board.c"))


_AARCH64 = ("aarch64-linux-gnu", ("qemu-aarch64", "-cpu", "max"))
MACHINES = (
    _linux("aarch64", *_AARCH64, "-O2"),
    _linux("aarch64-dotprod", *_AARCH64, "-O2", "-march=armv8.2-a+dotprod"),
    _linux("s390x-big-endian", "s390x-linux-gnu", ("qemu-s390x",), "-O2"),
    _bare(Target.CORTEX_M4, "-Os"),
    _bare(Target.CORTEX_M7, "-O2"),
)


def needs(*tools: str) -> list[pytest.MarkDecorator]:
    """Marks that skip a test, with the reason, where a tool is missing."""
    return [
        pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool}")
        for tool in tools
    ]
