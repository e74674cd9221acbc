"""The user's cache: every entry is checked before each use, and made anew where damaged."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import JsonValue

from quantbench.errors import ArtifactError, StorageError
from quantbench.system.files import discard, read_plain, sha256_of, write_atomic
from quantbench.system.lock import held, shared
from quantbench.system.store import (
    Body,
    Stored,
    find,
    path_for,
    save,
)

_PRIVATE = 0o700
_SEAL_LIMIT = 16 << 20


def root(cache: Path | None = None) -> Path:
    """The cache's folder: `cache`, else $QUANTBENCH_CACHE, else quantbench/ in the user's cache.

    The user's cache is $XDG_CACHE_HOME where that is absolute, else ~/.cache. Raises StorageError
    where the user has no home folder.
    """
    if cache is not None:
        return cache
    if override := os.environ.get("QUANTBENCH_CACHE"):
        return Path(override)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():  # the XDG specification says to ignore relative paths
        return xdg / "quantbench"
    try:
        return Path.home() / ".cache" / "quantbench"
    except RuntimeError as error:
        raise StorageError("no home folder for the cache; set QUANTBENCH_CACHE") from error


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Turn an error of writing `folder` of the cache into a StorageError that says what to do."""
    try:
        yield
    except (OSError, StorageError) as error:
        cause = error.__cause__ if isinstance(error, StorageError) else error
        reason = (cause.strerror if isinstance(cause, OSError) else None) or error
        raise StorageError(
            f"can't write the cache {folder} ({reason}); set QUANTBENCH_CACHE "
            "to a folder that can be written and has room"
        ) from error


def code_folder(name: str) -> Path:
    """A folder of the cache that code is run from, so that only this user may write there.

    It is made with mode 0o700 where it isn't there. Raises StorageError.
    """
    folder = root() / name
    with filling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) != _PRIVATE:
            folder.chmod(_PRIVATE)
    return folder


@contextlib.contextmanager
def held_alone(folder: Path, name: str) -> Iterator[None]:
    """Hold the entries called `name` in `folder` alone, so that no other process replaces them.

    Waits for a process that holds them, and removes what a killed one left half-made. A folder
    that is read-only isn't locked: nobody can replace an entry there.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a read-only folder
            stack.enter_context(held(folder / f"{name}.lock"))
            for path in folder.glob(f".{name}*"):
                discard(path)
        yield


def sound(
    folder: Path, name: str, kind: str, inputs: dict[str, JsonValue], body_type: type[Body]
) -> Stored[Body] | None:
    """The entry for exactly these inputs, or None where it is missing or damaged."""
    try:
        return find(folder, name, kind, inputs, body_type)
    except ArtifactError:  # it can be made again
        return None


@contextlib.contextmanager
def entry(
    folder: Path,
    name: str,
    kind: str,
    inputs: dict[str, JsonValue],
    body_type: type[Body],
    fill: Callable[[Path], Body],
) -> Iterator[Stored[Body]]:
    """The entry for exactly these inputs, found whole or made by `fill`, and held for the context.

    `fill` writes the entry's files into an empty folder and returns its body. Raises StorageError
    where the entry can't be written.
    """
    path = path_for(folder, name, inputs)
    with held_alone(folder, path.name):
        stored = sound(folder, name, kind, inputs, body_type)
        if stored is None:
            with filling(folder):
                stored = save(path, kind, inputs, fill)
        yield stored


@contextlib.contextmanager
def workshop(folder: Path) -> Iterator[None]:
    """Let libraries keep their files in `folder` from one use to the next, in many processes.

    The last process to leave seals the folder: it records the SHA-256 of every file. A process
    that enters while no other is inside checks the seal, and empties the folder where a file is
    damaged or was left by a killed process.
    """
    seal = folder.with_name(f"{folder.name}.json")
    with shared(folder.with_name(f"{folder.name}.lock")) as lock:
        if lock.try_alone() and _hashes(folder) != _sealed(seal):
            discard(folder)
        lock.share()
        folder.mkdir(exist_ok=True)
        yield
        if lock.try_alone():
            write_atomic(seal, json.dumps(_hashes(folder)).encode())


def _hashes(folder: Path) -> dict[str, str | None]:
    """Relative path -> SHA-256; None for what is neither a plain file nor a folder."""
    return {
        str(path.relative_to(folder)): (
            sha256_of(path) if path.is_file() and not path.is_symlink() else None
        )
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def _sealed(seal: Path) -> object:
    try:
        return json.loads(read_plain(seal, _SEAL_LIMIT))
    except (OSError, ValueError):
        return {}
