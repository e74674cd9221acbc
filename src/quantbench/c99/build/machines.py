"""Machines that this one is not: how C is built for each, and what runs the program here."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from quantbench.c99.build.cortex_m import simulation
from quantbench.c99.target.isa import NEON, NEON_DOT, Isa
from quantbench.c99.target.target import Target

PROGRAM = "./check"
"""The program that a machine runs, in the folder in which it was built."""
_BOARD = ("board.ld", "board.c")


@dataclass(frozen=True)
class Machine:
    """A simulated machine.

    `compiler`: the command with the flags for it. `run`: the command that runs PROGRAM. `files`: of
    c99/cortexm, that a program without an operating system needs beside it. `targets`: those whose
    C differs there. `isa`: the kernels of native C that are taken there; None: the portable ones.
    """

    name: str
    compiler: tuple[str, ...]
    run: tuple[str, ...]
    files: tuple[str, ...] = ()
    targets: tuple[Target, ...] = (Target.PORTABLE,)
    isa: Isa | None = None

    def prepare(self, folder: Path) -> None:
        """Write the files that a program needs beside it into `folder`."""
        for name in self.files:
            content = (resources.files("quantbench.c99") / "cortexm" / name).read_bytes()
            (folder / name).write_bytes(content)

    def missing(self) -> str | None:
        """The reason why it can't be simulated here, or None."""
        tools = [tool for tool in (self.compiler[0], self.run[0]) if shutil.which(tool) is None]
        return f"there is no {' and no '.join(tools)}" if tools else None


def _aarch64(name: str, isa: Isa, *flags: str) -> Machine:
    compiler = ("aarch64-linux-gnu-gcc", "-static", "-O2", *flags)
    run = ("qemu-aarch64", "-cpu", "max", PROGRAM)
    return Machine(name, compiler, run, targets=(Target.PORTABLE, Target.NATIVE), isa=isa)


def _bare(target: Target, *flags: str) -> Machine:
    compiler = (
        "arm-none-eabi-gcc", f"-mcpu={target}", "-mthumb", "-mfloat-abi=hard",
        "--specs=rdimon.specs", "-T", "board.ld", "board.c", *flags,
    )  # fmt: skip
    return Machine(str(target), compiler, simulation(target, PROGRAM), _BOARD)


MACHINES = (
    _aarch64("aarch64", NEON),
    _aarch64("aarch64-dotprod", NEON_DOT, "-march=armv8.2-a+dotprod"),
    Machine("s390x-big-endian", ("s390x-linux-gnu-gcc", "-static", "-O2"), ("qemu-s390x", PROGRAM)),
    _bare(Target.CORTEX_M4, "-Os"),
    _bare(Target.CORTEX_M7, "-O2"),
)
"""The machines that QEMU simulates."""
