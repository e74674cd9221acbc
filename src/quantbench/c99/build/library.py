"""The emitted C as a shared library for this machine, kept in the user's cache.

It is for this CPU alone: elsewhere another is made, for this one could die on a CPU without its
instruction sets. Its bytes are checked whenever it is loaded, and the golden vectors pass through
it once it is built and, in library.py, once it is loaded.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from quantbench.c99.build import toolchain as compiler
from quantbench.c99.build.toolchain import Compiler
from quantbench.errors import CompileError
from quantbench.system.cache import code_folder, entry
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import environment
from quantbench.system.record import Record

KIND = "library"
LIBRARY = "model.so"

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic")
FAST = ("-std=c99", "-O3", "-fPIC")
SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables")


class Library(Record):
    """Of a stored `model.so`."""

    compiler: str


@contextlib.contextmanager
def library(files: Mapping[str, str]) -> Iterator[Path]:
    """The library of model.c, and of convert.c where there is one: load it in this context, in
    which its bytes have just been checked and nobody replaces it.

    Raises UnavailableError without a compiler, CompileError where what it makes is wrong,
    StorageError.
    """
    chosen = compiler.find()

    def fill(folder: Path) -> Library:
        with tempfile.TemporaryDirectory(dir=folder) as part:
            for name, text in files.items():
                (Path(part) / name).write_text(text, encoding="utf-8")
            _build(Path(part), chosen).rename(folder / LIBRARY)
        return Library(compiler=chosen.version)

    folder = code_folder("c99")
    with entry(folder, "model", KIND, _inputs(files, chosen), Library, fill) as stored:
        yield stored.folder / LIBRARY


def checked_size(files: Mapping[str, str]) -> int | None:
    """Bytes of code and constants that model.c makes, built small for this machine; None where
    the object file's format isn't known. Raises UnavailableError without a compiler, CompileError
    where the program fails its golden vectors.
    """
    flags = (*compiler.find().command, *SMALL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        _must((*flags, "-c", "model.c", "-o", "model.o"), folder, "can't compile model.c")
        _must((*flags, "main.c", "model.o", "-o", "check"), folder, "can't compile main.c")
        _must((str(folder / "check"),), folder, "made a program that fails its golden vectors")
        return loaded_bytes((folder / "model.o").read_bytes())


def _build(folder: Path, chosen: Compiler) -> Path:
    flags = (*chosen.command, *FAST, *chosen.native)
    _must((*flags, "-c", "model.c", "-o", "model.o"), folder, "can't compile model.c")
    _must((*flags, "main.c", "model.o", "-o", "check"), folder, "can't compile main.c")
    _must((str(folder / "check"),), folder, "made a program that fails its golden vectors")
    also = [name for name in ("convert.c",) if (folder / name).is_file()]
    command = (*flags, "-shared", *also, "model.o", "-o", "model.so")
    _must(command, folder, "can't link the library")
    return folder / "model.so"


def _must(command: tuple[str, ...], folder: Path, what: str) -> None:
    if why := compiler.run(command, folder):
        raise CompileError(f"the C compiler {what}: {why}")


def _inputs(files: Mapping[str, str], chosen: Compiler) -> dict[str, JsonValue]:
    """All that a library depends on."""
    machine = environment(libraries=())
    return {
        "files": {name: sha256(text.encode()).hexdigest() for name, text in files.items()},
        "compiler": [*chosen.command, chosen.version, *chosen.native],
        "cpu": machine.cpu,
        "instruction_sets": [*machine.instruction_sets],
        "code": {**fingerprint(__name__)},
    }


def loaded_bytes(data: bytes) -> int | None:
    """Of an ELF file, the bytes that are loaded: code and constants. None for another format."""
    if data[:4] != b"\x7fELF" or data[5] != 1:
        return None
    long = data[4] == 2

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little")

    begin = number(0x28, 8) if long else number(0x20, 4)
    each, count = number(0x3A if long else 0x2E, 2), number(0x3C if long else 0x30, 2)
    total = 0
    for at in range(begin, begin + each * count, each):
        flags, size = (number(at + 8, 8), number(at + 32, 8)) if long else (
            number(at + 8, 4), number(at + 20, 4)
        )  # fmt: skip
        total += size if flags & 2 and number(at + 4, 4) != 8 else 0  # allocated, and not zeros
    return total
