"""Machines that this one is not: how C is built for each, and what runs it here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest

from quantbench.c99.build.cortex_m import simulation
from quantbench.c99.target.target import Target
from tests.c99.together import PROGRAM


@dataclass(frozen=True)
class Machine:
    """`files`: of c99/cortexm, that a program without an operating system needs beside it.
    `targets`: what differs there.
    """

    name: str
    compiler: tuple[str, ...]
    run: tuple[str, ...]
    files: tuple[str, ...] = ()
    targets: tuple[Target, ...] = (Target.PORTABLE,)

    def prepare(self, folder: Path) -> None:
        for name in self.files:
            found = resources.files("quantbench.c99") / "cortexm" / name
            (folder / name).write_bytes(found.read_bytes())


def _aarch64(name: str, *flags: str) -> Machine:
    compiler = ("aarch64-linux-gnu-gcc", "-static", "-O2", *flags)
    run = ("qemu-aarch64", "-cpu", "max", PROGRAM)
    return Machine(name, compiler, run, targets=(Target.PORTABLE, Target.NATIVE))


def _bare(target: Target, *flags: str) -> Machine:
    compiler = (
        "arm-none-eabi-gcc", f"-mcpu={target}", "-mthumb", "-mfloat-abi=hard",
        "--specs=rdimon.specs", "-T", "board.ld", "board.c", *flags,
    )  # fmt: skip
    return Machine(str(target), compiler, simulation(target, PROGRAM), ("board.ld", "board.c"))


MACHINES = (
    _aarch64("aarch64"),
    _aarch64("aarch64-dotprod", "-march=armv8.2-a+dotprod"),
    Machine("s390x-big-endian", ("s390x-linux-gnu-gcc", "-static", "-O2"), ("qemu-s390x", PROGRAM)),
    _bare(Target.CORTEX_M4, "-Os"),
    _bare(Target.CORTEX_M7, "-O2"),
)


def needs(*tools: str) -> list[pytest.MarkDecorator]:
    """Marks that skip a test, with the reason, where a tool is missing."""
    return [
        pytest.mark.skipif(shutil.which(tool) is None, reason=f"there is no {tool}")
        for tool in tools
    ]
