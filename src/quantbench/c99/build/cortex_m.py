"""Cortex-M costs: bytes as Arm's compiler produces them, instructions as QEMU counts them.

QEMU executes every instruction but models no pipeline, bus or cache: these are instructions, not
cycles.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from importlib import resources
from pathlib import Path

from quantbench.c99.build import toolchain
from quantbench.c99.build.library import SMALL, Files, loaded_bytes, write_files
from quantbench.c99.emit.namespace import renamed
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError, UnavailableError
from quantbench.system.record import Record

BOARDS = {Target.CORTEX_M4: "mps2-an386", Target.CORTEX_M7: "mps2-an500"}
"""The simulator's machine with that processor."""
_COMPILER = "arm-none-eabi-gcc"
_SIMULATOR = "qemu-system-arm"
_PACKAGES = "gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm"
_LIBRARY = "--specs=rdimon.specs"
_LEVELS = ("-Os", "-O2")
_TICK = 40
"""Instructions for which the board's clock counts one."""
_PROBE = '#include <stdio.h>\nint main(void)\n{\n    return puts("probe") < 0;\n}\n'


class Built(Record):
    """The costs of the network at one level of optimization.

    `flash`: bytes of code and constants. `instructions`: of one inference, the mean over the golden
    vectors. `stack`: bytes. The last two are None where nothing was simulated.
    """

    level: str
    flash: int
    instructions: int | None
    stack: int | None


class Counts(Record):
    """The costs of the network on a Cortex-M, and the tools that measured them."""

    compiler: str | None
    simulator: str | None
    built: tuple[Built, ...]
    """The costs by level of optimization, the smallest code first; empty without the compiler."""
    resolution: int
    """The error of a count, in instructions: a tick at either end, shared by the vectors."""
    missing: str | None
    """Why something wasn't counted, and what to do about it."""


def counted(
    files: Files, target: Target, name: str = "model", parent: Path | None = None
) -> Counts:
    """Count flash, stack and instructions of the network called `name` on the target.

    It is built in a new folder inside `parent`; None: the system's for temporary files.

    Raises CompileError where the network fails its golden vectors on the target.
    """
    with tempfile.TemporaryDirectory(dir=parent) as part:
        folder = Path(part)
        write_files(files, folder)
        for source in (resources.files("quantbench.c99") / "cortexm").iterdir():
            text = renamed(source.read_text("utf-8"), name)
            (folder / source.name).write_text(text, encoding="utf-8")
        missing = _missing(folder, target)
        if shutil.which(_COMPILER) is None:
            return _counts(files, (), missing)
        built = []
        for level in _LEVELS:
            flash, count = _flash(folder, target, level, name), None
            try:
                count = _count(folder, target, files) if missing is None else None
            except UnavailableError as error:
                missing = str(error)
            instructions, stack = count or (None, None)
            built.append(Built(level=level, flash=flash, instructions=instructions, stack=stack))
        return _counts(files, tuple(built), missing)


def _counts(files: Files, built: tuple[Built, ...], missing: str | None) -> Counts:
    there = [
        toolchain.version((tool,)) if shutil.which(tool) else None
        for tool in (_COMPILER, _SIMULATOR)
    ]
    resolution = -(-2 * _TICK // _vectors(files))
    return Counts(
        compiler=there[0], simulator=there[1], built=built, resolution=resolution, missing=missing
    )


def _vectors(files: Files) -> int:
    count = re.search(r"#define \w+_GOLDEN_COUNT (\d+)", str(files["golden.h"]))
    assert count
    return int(count[1])


def _missing(folder: Path, target: Target) -> str | None:
    """The reason why this machine can't count, or None."""
    install = f"install {_PACKAGES} (names of Debian's packages)"
    for tool in (_COMPILER, _SIMULATOR):
        if shutil.which(tool) is None:
            return f"there is no {tool}; {install}"
    (folder / "probe.c").write_text(_PROBE, encoding="ascii")
    command = (_COMPILER, *_flags(target), _LIBRARY, "probe.c", "-T", "board.ld", "-o", "probe.elf")
    why = toolchain.run(command, folder)
    return None if why is None else f"{_COMPILER} can't build a program ({why}); {install}"


def _flags(target: Target) -> tuple[str, ...]:
    return (f"-mcpu={target}", "-mthumb", "-mfloat-abi=hard", *SMALL)


def _flash(folder: Path, target: Target, level: str, name: str) -> int:
    command = (_COMPILER, *_flags(target), level, "-c", f"{name}.c", "-o", "model.o")
    if why := toolchain.run(command, folder):
        raise CompileError(f"{_COMPILER} can't compile {name}.c: {why}")
    size = loaded_bytes((folder / "model.o").read_bytes())
    assert size is not None
    return size


def _count(folder: Path, target: Target, files: Files) -> tuple[int, int]:
    """Instructions and stack. Raises UnavailableError where the board is too small or slow."""
    sources = ("board.c", "count.c", "model.o")
    command = (_COMPILER, *_flags(target), _LIBRARY, "-T", "board.ld", *sources, "-o", "count.elf")
    if why := toolchain.run(command, folder):
        raise UnavailableError(f"the simulated board doesn't hold the network: {why}")
    done = toolchain.ran(simulation(target, "count.elf", "-icount", "shift=0"), folder)
    if done.failed:
        if "FAIL" in done.failed:
            raise CompileError(f"on {target} the network fails its golden vectors: {done.failed}")
        raise UnavailableError(f"{_SIMULATOR} {done.failed}")
    count = re.search(r"COUNTED (\d+) ticks, (\d+) bytes", done.said)
    if count is None:
        raise UnavailableError(f"{_SIMULATOR} gave no count, but {done.said.strip()!r}")
    return round(int(count[1]) * _TICK / _vectors(files)), int(count[2])


def simulation(target: Target, program: str, *options: str) -> tuple[str, ...]:
    """The command that runs a program on the target's board; its exit code is the program's."""
    machine = (_SIMULATOR, "-M", BOARDS[target])
    no_screen = ("-display", "none", "-monitor", "none", "-serial", "none")
    semihosting = ("-semihosting-config", "enable=on,target=native")
    return (*machine, *no_screen, *semihosting, *options, "-kernel", program)
