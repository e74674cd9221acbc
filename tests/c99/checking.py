"""Emitted C built with the strictest settings and run over its golden vectors."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from quantbench.c99.build import toolchain
from quantbench.c99.build.library import WARNINGS
from quantbench.c99.target.isa import Isa
from quantbench.errors import UnavailableError

SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def command() -> tuple[str, ...]:
    try:
        return toolchain.find().command
    except UnavailableError as error:
        pytest.skip(str(error))


def native() -> tuple[str, ...]:
    """What makes the compiler write for this CPU."""
    command()
    return toolchain.find().native


@cache
def has(kernels: Isa) -> bool:
    """Whether this CPU, and its C compiler, know the instructions."""
    command()
    return toolchain.meets(toolchain.find(), kernels.condition)


def chosen(kernels: Isa | None) -> tuple[str, ...]:
    """Flags for a set of kernels, None for the portable ones; skips where the CPU lacks it."""
    if kernels is None:
        return ("-DMODEL_KERNELS=MODEL_PORTABLE",)
    if not has(kernels):
        pytest.skip(f"this CPU has no {kernels.macro}")
    return (*native(), f"-DMODEL_KERNELS={kernels.macro}")


def ran(files: Mapping[str, str | bytes] | Mapping[str, str], folder: Path, *flags: str) -> str:
    """What main.c printed; fails where it doesn't compile without a warning or differs."""
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
    build = [*command(), "-std=c99", *WARNINGS, *flags, "model.c", "main.c", "-lm", "-o", "check"]
    built = subprocess.run(build, cwd=folder, capture_output=True, check=False, timeout=120)
    assert built.returncode == 0, built.stderr.decode(errors="replace")
    ran = subprocess.run(
        ["./check"], cwd=folder, capture_output=True, check=False, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
