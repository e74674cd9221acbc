"""Calls of a built network without ctypes, which takes a third of a microsecond for each.

A function is compiled against Python's limited API (PEP 384), where Python's headers are installed.
"""

from __future__ import annotations

import ctypes
import sysconfig
from pathlib import Path
from typing import Any

from quantbench.c99.build import toolchain
from quantbench.c99.build.toolchain import Compiler
from quantbench.contracts import Predict

LIBRARY = "call.so"
_FLAGS = ("-std=c99", "-O2", "-fPIC", "-shared")


def headers() -> Path | None:
    """The folder of Python's headers, or None where they aren't installed."""
    folder = Path(sysconfig.get_path("include"))
    return folder if (folder / "Python.h").is_file() else None


def build(source: str, chosen: Compiler, folder: Path) -> None:
    """Compile kernels/python_call.h as `call.so` in `folder`, where Python's headers allow it."""
    place = headers()
    if place is None:
        return
    (folder / "call.c").write_text(source, encoding="utf-8")
    command = (*chosen.command, *_FLAGS, "-isystem", str(place), "call.c", "-o", LIBRARY)
    toolchain.run(command, folder)
    (folder / "call.c").unlink()


def direct(
    path: Path, run: Any, given: ctypes.c_void_p, size: int, copy: Predict, others: Predict
) -> Predict:
    """A function that gives one image of `size` bytes to `run`, and its answer by `copy`.

    `path`: of a `call.so` whose bytes were just checked. `run`: a function of convert.c, which gets
    the address of the image and `given`. Any other array goes to `others`, which must keep alive
    what `given` points to.
    """
    library: Any = ctypes.PyDLL(str(path))
    function = library.call_function
    function.restype = ctypes.py_object
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, *[ctypes.py_object] * 2]
    made: Predict = function(ctypes.cast(run, ctypes.c_void_p), given, size, copy, others)
    return made
