"""Keep raw data files in the cache's folder, each written whole."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from quantbench.errors import StorageError
from quantbench.system.files import read_plain, sweep


def prepare(folder: Path) -> None:
    """Make the folder, before time is spent on fetching its files. Raises StorageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cant("write", folder, error) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _cant("write", folder, PermissionError("not permitted or read-only"))


def read(path: Path, size: int) -> bytes | None:
    """The file's bytes, or None where there is no file. Raises StorageError.

    At most `size` + 1 bytes are read: one too many shows that it is another file.
    """
    try:
        return read_plain(path, size + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _cant("read", path.parent, error) from error


def write(path: Path, raw: bytes) -> None:
    """Write a file so that other processes see all of it or nothing. Raises StorageError."""
    sweep(path.parent, f".{path.name}.*.part")
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)  # noqa: PTH105 - one name to watch for in tests
    except OSError as error:
        raise _cant("write", path.parent, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _cant(verb: str, folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"can't {verb} the cache {folder} ({error.strerror or error}); set QUANTBENCH_CACHE "
        "to a folder that can be written and has room, or give the data with --data-dir"
    )
