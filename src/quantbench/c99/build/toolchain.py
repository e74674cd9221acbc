"""The C compiler of this machine: which one works, and why none does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantbench.errors import UnavailableError

_PROBE = "#include <stdint.h>\nint32_t probe(int32_t x);\nint32_t probe(int32_t x) { return x; }\n"
MARCH = "C99_MARCH"
"""The environment variable that names the CPU to build for, in place of the one at hand."""
_PROBE_SECONDS = 60
_SECONDS = 300


@dataclass(frozen=True)
class Compiler:
    """A working C compiler: its command, the version that it reports, and flags for this CPU."""

    command: tuple[str, ...]
    version: str
    native: tuple[str, ...]
    """Flags for the CPU at hand, where the compiler knows it."""


def candidates() -> list[tuple[str, ...]]:
    """The commands to try, in order; $CC alone where it is set."""
    if own := os.environ.get("CC"):
        return [tuple(own.split())]
    return [("cc",), ("gcc",), ("clang",), (sys.executable, "-m", "ziglang", "cc")]


def find(folder: Path | None = None) -> Compiler:
    """The first C compiler that compiles a few lines, in `folder` or else a temporary one.

    Raises UnavailableError with the reason of the first compiler that is there.
    """
    reasons = []
    for command in candidates():
        if shutil.which(command[0]) is None:
            continue
        why = _why_not(command, (), folder)
        if why is None:
            return Compiler(command, version(command), _native(command, folder))
        if "ziglang" not in command:
            reasons.append(f"'{' '.join(command)}' {why}")
    missing = "no C compiler found; install gcc or clang, or pip install ziglang, or set CC"
    raise UnavailableError(reasons[0] if reasons else missing)


@dataclass(frozen=True)
class Ran:
    """The output of a command, and the first line that says why it failed."""

    said: str
    failed: str | None


def run(command: Sequence[str], folder: Path, seconds: float = _SECONDS) -> str | None:
    """Run a command in `folder`; returns None, or the line that says why it failed."""
    return ran(command, folder, seconds).failed


def ran(command: Sequence[str], folder: Path, seconds: float = _SECONDS) -> Ran:
    """Run a command in `folder`, without standard input, for at most `seconds`.

    A command that can't be started, or doesn't end in time, is a failed one: nothing is raised.
    """
    plain = dict(os.environ) | {"LC_ALL": "C", "LANGUAGE": ""}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=plain,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran("", f"can't be run (it had not ended after {seconds:g} seconds)")
    except OSError as error:
        return Ran("", f"can't be run ({error})")
    text = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    if done.returncode == 0:
        return Ran(text, None)
    said = [line.strip() for line in text.splitlines() if line.strip()]
    reason = next((line for line in said if "error" in line or "FAIL" in line), None)
    last = (said or [f"ended with code {done.returncode}, without a reason"])[-1]
    return Ran(text, reason or last)


def meets(chosen: Compiler, condition: str) -> bool:
    """Whether a preprocessor condition holds when the compiler writes for this CPU."""
    text = f"#if !({condition})\n#error missing\n#endif\nint one;\n"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "probe.c").write_text(text, encoding="ascii")
        asked = [*chosen.command, *chosen.native, "-fsyntax-only", "probe.c"]
        return run(asked, Path(folder), _PROBE_SECONDS) is None


def _why_not(command: tuple[str, ...], flags: tuple[str, ...], parent: Path | None) -> str | None:
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        (Path(folder) / "probe.c").write_text(_PROBE, encoding="ascii")
        asked = [*command, "-std=c99", *flags, "-shared", "-fPIC", "probe.c", "-o", "probe.so"]
        why = run(asked, Path(folder), _PROBE_SECONDS)
    return None if why is None else f"can't compile a few lines of C: {why}"


def _native(command: tuple[str, ...], folder: Path | None) -> tuple[str, ...]:
    flags = ("-march=native", "-mcpu=native")
    if other := os.environ.get(MARCH):
        flags = (f"-march={other}", f"-mcpu={other}")
    for flag in flags:
        if _why_not(command, (flag,), folder) is None:
            return (flag,)
    return ()


def version(command: tuple[str, ...]) -> str:
    """The first line of the command's `--version`."""
    asked = subprocess.run(
        [*command, "--version"], capture_output=True, timeout=_PROBE_SECONDS, check=False
    )
    return asked.stdout.decode(errors="replace").partition("\n")[0].strip()
