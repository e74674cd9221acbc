"""WebAssembly of a network's C: a module without imports that a page or any other host calls.

It exports `memory`, `input` and `output`, which give the addresses of both ends, and `run`.
"""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from quantbench.c99.build.library import Files, write_files
from quantbench.c99.build.toolchain import run
from quantbench.c99.emit.weights import ARRAYS
from quantbench.errors import CompileError, UnavailableError

_GLUE = ("page.c", "string.h")
_SOURCES = ("model.c", "model.h", ARRAYS)
_SECONDS = 300
_FLAGS = (
    "-std=c11", "-O2", "-fno-builtin", "-mbulk-memory", "-nostdlib", "-Wl,--no-entry",
    "-Wl,--strip-all", "-I.",
)  # fmt: skip


def commands() -> list[tuple[str, ...]]:
    """The compilers for WebAssembly that are there: clang with its linker, then Zig's."""
    found: list[tuple[str, ...]] = []
    if shutil.which("clang") and shutil.which("wasm-ld"):
        found.append(("clang", "--target=wasm32"))
    found.append((sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-freestanding"))
    return found


def wasm(sources: Files, folder: Path | None = None) -> bytes:
    """The module of the files of a library by the name "model", built in `folder`.

    Raises UnavailableError where no compiler for WebAssembly is there, CompileError where it fails.
    """
    with TemporaryDirectory(dir=folder) as text:
        inside = Path(text)
        for file in _GLUE:
            content = (files("quantbench.c99") / "wasm" / file).read_text("utf-8")
            (inside / file).write_text(content, encoding="utf-8")
        write_files({file: sources[file] for file in _SOURCES if file in sources}, inside)
        reasons = []
        for command in commands():
            asked = (*command, *_FLAGS, "model.c", "page.c", "-o", "model.wasm")
            why = run(asked, inside, _SECONDS)
            if why is None:
                return (inside / "model.wasm").read_bytes()
            reasons.append(why)
    if all("No module named" in reason for reason in reasons):
        raise UnavailableError(
            "no compiler for WebAssembly found; pip install ziglang, or install clang and lld"
        )
    raise CompileError(f"it can't be compiled to WebAssembly: {reasons[0]}")
