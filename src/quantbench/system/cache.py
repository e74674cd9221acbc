"""The user's cache: what is kept in it is checked before each use and made anew where damaged."""

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
    """`cache`, else $QUANTBENCH_CACHE, else quantbench/ in the user's cache folder."""
    if cache is not None:
        return cache
    if own := os.environ.get("QUANTBENCH_CACHE"):
        return Path(own)
    xdg = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if xdg.is_absolute():  # the XDG specification has others ignored
        return xdg / "quantbench"
    try:
        return Path.home() / ".cache" / "quantbench"
    except RuntimeError as error:
        raise StorageError("no home folder for the cache; set QUANTBENCH_CACHE") from error


@contextlib.contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Turns what keeps a folder of the cache from being written into one line that says what to
    do about it.
    """
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
    """A folder of the cache that code is run from: nobody else may write there. Raises
    StorageError.
    """
    folder = root() / name
    with filling(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) != _PRIVATE:
            folder.chmod(_PRIVATE)
    return folder


@contextlib.contextmanager
def held_alone(folder: Path, name: str) -> Iterator[None]:
    """No other process makes or replaces the entries called `name` meanwhile: wait for one that
    does. What a killed one left half-made is removed.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # read-only: then nobody replaces what is there
            stack.enter_context(held(folder / f"{name}.lock"))
            for path in folder.glob(f".{name}*"):
                discard(path)
        yield


def sound(
    folder: Path, name: str, kind: str, inputs: dict[str, JsonValue], body_type: type[Body]
) -> Stored[Body] | None:
    """The entry for just these inputs with every byte as it was saved; else None."""
    try:
        return find(folder, name, kind, inputs, body_type)
    except ArtifactError:  # a damaged one is as good as none: it can be made again
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
    """The entry for just these inputs, found whole or made by `fill`, and left alone meanwhile.

    Raises StorageError where it can't be written.
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
    """Lets libraries keep files of their own in `folder` from one use to the next, several
    processes at once.

    Whoever enters alone checks that every file is as the last one to leave alone saw it, and
    empties the folder where one isn't: damaged, or left by a killed process.
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
    """File -> SHA-256; None for what is neither a plain file nor a folder."""
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
