"""A network's built library, kept with what a call needs: a worker opens it in milliseconds.

Reading a file, writing its C and finding the library of this C takes a second, most of it for
importing ONNX: a study starts a network a dozen times.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from quantbench.c99.build import direct, toolchain
from quantbench.c99.build.calling import Sizes, caller, opened
from quantbench.contracts import Predict
from quantbench.errors import (
    ArtifactError,
    CompileError,
    QuantbenchError,
    StorageError,
    UnavailableError,
)
from quantbench.system.cache import code_folder, entry
from quantbench.system.files import read_plain, sha256_of
from quantbench.system.fingerprint import whole_package
from quantbench.system.machine import environment, versions
from quantbench.system.record import Record

if TYPE_CHECKING:
    from quantbench.c99.emit.library import Emitted

KIND = "opened library"
LIBRARY, SIZES = "model.so", "sizes.json"
CODES: dict[type[QuantbenchError], int] = {StorageError: 3, UnavailableError: 4, ArtifactError: 5}
"""The exit codes of keep.py for errors other than CompileError."""
_BUILD = "quantbench.c99.build.keep"
_SECONDS = 900
_SIZES_LIMIT = 1 << 16
_AT_ONCE = 16
"""Samples of a batch that share each load of a weight."""
_LIBRARIES = ("numpy", "onnx", "onnxruntime")


class Kept(Record):
    """The record beside a library; no `sizes` where answers take the network's graph as well."""

    sizes: Sizes | None


def load(model: Path, threads: int) -> Predict:
    """The network in `model` as a function of float32, built once for each network and CPU.

    The network is compared with its file, and the library with its golden vectors. Raises
    ArtifactError or CompileError for a network that can't be compiled, UnavailableError without a
    compiler, StorageError without a cache.
    """

    def fill(folder: Path) -> Kept:
        _build(model.absolute(), folder, threads)
        kept = Kept.model_validate_json(read_plain(folder / SIZES, _SIZES_LIMIT))
        (folder / SIZES).unlink()
        return kept

    with entry(code_folder("c99"), "opened", KIND, _inputs(model, threads), Kept, fill) as stored:
        if (sizes := stored.body.sizes) is not None:
            call = stored.folder / direct.LIBRARY
            calls = opened(stored.folder / LIBRARY, sizes)
            return caller(calls, sizes, threads, call if call.is_file() else None)
    from quantbench.c99.build.loader import loaded  # it imports ONNX

    return loaded(emitted_from(model, threads), threads)


def emitted_from(model: Path, threads: int = 1) -> Emitted:
    """The C that is built of a file for so many threads. Raises ArtifactError or CompileError."""
    from quantbench.c99.compile import emitted  # it imports ONNX
    from quantbench.c99.emit.library import Options
    from quantbench.c99.frontend.reader import read
    from quantbench.c99.target.target import Target

    return emitted(read(model), Target.NATIVE, options=Options(samples=_AT_ONCE, threads=threads))


def _build(model: Path, folder: Path, threads: int) -> None:
    """Build in a process of its own: what it loads would stay in the one that is measured."""
    try:
        asked = subprocess.run(
            [sys.executable, "-m", _BUILD, str(model), str(folder), str(threads)], cwd=folder,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise CompileError(f"building it had not ended after {_SECONDS} seconds") from error
    if not asked.returncode:
        return
    said = asked.stderr.decode(errors="replace").strip().splitlines()
    why = said[-1] if said else f"ended with code {asked.returncode}, without a reason"
    kinds = {code: kind for kind, code in CODES.items()} | {1: CompileError}
    kind = kinds.get(asked.returncode)
    raise kind(why) if kind else CompileError(f"building it: {why}")


def _inputs(model: Path, threads: int) -> dict[str, JsonValue]:
    """What the library and its sizes depend on. The whole package is hashed: that takes less time
    than following imports.
    """
    machine, chosen = environment(libraries=()), toolchain.find()
    return {
        "model": sha256_of(model),
        "threads": threads,
        "compiler": [*chosen.command, chosen.version, *chosen.native],
        "headers": direct.headers() is not None,
        "cpu": machine.cpu,
        "instruction_sets": [*machine.instruction_sets],
        "code": whole_package(),
        "versions": {**versions(_LIBRARIES)},
    }
