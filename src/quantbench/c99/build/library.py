"""The emitted C as a shared library for this machine, kept in the user's cache.

The library is for this CPU only: another may lack its instruction sets, so each machine builds its
own. Its bytes are checked whenever it is loaded; the golden vectors are run once when it is built
and once when loader.py loads it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import JsonValue

from quantbench.c99.build import toolchain
from quantbench.c99.build.toolchain import Compiler
from quantbench.errors import CompileError
from quantbench.system.cache import code_folder, entry
from quantbench.system.fingerprint import fingerprint
from quantbench.system.machine import environment
from quantbench.system.record import Record

Files = Mapping[str, str | bytes]
"""The files of emitted C by their names: text, and the weights of large networks."""
KIND = "library"
LIBRARY = "model.so"

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic")
FAST = ("-std=c99", "-O3", "-fPIC")
MATHEMATICS = "-lm"
"""Links the functions of math.h, which float32 activations call."""
PARTS, THREADS = "parts.c", "-pthread"
"""The network in parts, and what links the threads that compute them."""
SMALL = ("-std=c99", "-Os", "-fno-asynchronous-unwind-tables")


class Library(Record):
    """The record of a stored `model.so`."""

    compiler: str


@contextlib.contextmanager
def library(files: Files) -> Iterator[Path]:
    """The shared library of model.c, and of convert.c, together.c and parts.c where they are there.

    Load it inside this context: its bytes have just been checked, and nobody replaces it.
    Raises UnavailableError without a compiler, CompileError where the build fails or its golden
    vectors do, StorageError where the cache can't be written.
    """
    folder = code_folder("c99")
    chosen = toolchain.find()

    def fill(folder: Path) -> Library:
        with tempfile.TemporaryDirectory(dir=folder) as part:
            write_files(files, Path(part))
            _build(Path(part), chosen).rename(folder / LIBRARY)
        return Library(compiler=chosen.version)

    with entry(folder, "model", KIND, _inputs(files, chosen), Library, fill) as stored:
        yield stored.folder / LIBRARY


def checked_size(files: Files, name: str = "model", folder: Path | None = None) -> int | None:
    """The bytes of code and constants of NAME.c, compiled for small size on this machine.

    `folder`: where it is built; None: a temporary one of the system. Returns None where the object
    file's format isn't known. Raises UnavailableError without a compiler, CompileError where the
    program fails its golden vectors.
    """
    with tempfile.TemporaryDirectory(dir=folder) as part:
        flags = (*toolchain.find(Path(part)).command, *SMALL)
        write_files(files, Path(part))
        _build_check(Path(part), flags, name)
        return loaded_bytes((Path(part) / f"{name}.o").read_bytes())


def _build(folder: Path, chosen: Compiler) -> Path:
    flags = (*chosen.command, *FAST, *chosen.native)
    _build_check(folder, flags, "model")
    files = ("convert.c", "together.c", PARTS)
    sources = [name for name in files if (folder / name).is_file()]
    threads = (THREADS,) if PARTS in sources else ()
    command = (*flags, *threads, "-shared", *sources, "model.o", MATHEMATICS, "-o", LIBRARY)
    _must(command, folder, "can't link the library")
    return folder / LIBRARY


def write_files(files: Files, folder: Path) -> None:
    """Write text and data into `folder`."""
    for name, content in files.items():
        (folder / name).write_bytes(_bytes(content))


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _build_check(folder: Path, flags: tuple[str, ...], name: str) -> None:
    """Build NAME.o, and a program with it, which must pass the golden vectors."""
    _must((*flags, "-c", f"{name}.c", "-o", f"{name}.o"), folder, f"can't compile {name}.c")
    _must(
        (*flags, "main.c", f"{name}.o", MATHEMATICS, "-o", "check"), folder, "can't compile main.c"
    )
    _must((str(folder / "check"),), folder, "made a program that fails its golden vectors")


def _must(command: tuple[str, ...], folder: Path, what: str) -> None:
    if why := toolchain.run(command, folder):
        raise CompileError(f"the C compiler {what}: {why}")


def _inputs(files: Files, chosen: Compiler) -> dict[str, JsonValue]:
    """Everything that a built library depends on."""
    machine = environment(libraries=())
    return {
        "files": {name: sha256(_bytes(each)).hexdigest() for name, each in files.items()},
        "compiler": [*chosen.command, chosen.version, *chosen.native],
        "cpu": machine.cpu,
        "instruction_sets": [*machine.instruction_sets],
        "code": {**fingerprint(__name__)},
    }


def loaded_bytes(data: bytes) -> int | None:
    """The bytes of an ELF file that are loaded: code and constants. None for another format."""
    if data[:4] != b"\x7fELF" or data[5] != 1:
        return None
    is_64_bit = data[4] == 2

    def number(offset: int, size: int) -> int:
        return int.from_bytes(data[offset : offset + size], "little")

    begin = number(0x28, 8) if is_64_bit else number(0x20, 4)
    entry_size = number(0x3A if is_64_bit else 0x2E, 2)
    count = number(0x3C if is_64_bit else 0x30, 2)
    total = 0
    for section in range(begin, begin + entry_size * count, entry_size):
        flags = number(section + 8, 8) if is_64_bit else number(section + 8, 4)
        size = number(section + 32, 8) if is_64_bit else number(section + 20, 4)
        is_allocated, is_zeros = flags & 2, number(section + 4, 4) == 8
        total += size if is_allocated and not is_zeros else 0
    return total
