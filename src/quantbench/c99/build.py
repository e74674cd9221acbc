"""The emitted C as a shared library for this machine, kept in the user's cache.

It is for this CPU alone: elsewhere another is made, for this one could die on a CPU without its
instruction sets. Before it is used the golden vectors have passed through it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from quantbench.c99 import compiler
from quantbench.c99.compiler import Compiler
from quantbench.data._cache import root
from quantbench.environment import environment
from quantbench.errors import CompileError, StorageError
from quantbench.system.files import sweep

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic")
FAST = ("-std=c99", "-O3", "-fPIC")
SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables")


def library(files: Mapping[str, str]) -> Path:
    """Of model.c, and of convert.c where there is one. Raises UnavailableError without a
    compiler, CompileError where what it makes is wrong, StorageError.
    """
    chosen = compiler.find()
    folder = root() / "c99"
    made = folder / f"{_key(files, chosen)}.so"
    if made.is_file():
        return made
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # code is run from it
        sweep(folder, "part-*")
        with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
            for name, text in files.items():
                (Path(part) / name).write_text(text, encoding="utf-8")
            _build(Path(part), chosen).rename(made)
    except OSError as error:
        raise StorageError(
            f"can't write the cache {folder} ({error.strerror or error}); set QUANTBENCH_CACHE "
            "to a folder that can be written and has room"
        ) from error
    return made


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


def _key(files: Mapping[str, str], chosen: Compiler) -> str:
    machine = environment(libraries=())
    here = (machine.cpu, machine.instruction_sets, chosen, FAST)
    return sha256(repr((here, sorted(files.items()))).encode()).hexdigest()[:32]


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
