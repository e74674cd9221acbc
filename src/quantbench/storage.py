"""Atomic writes, a lock that dies with its owner, and folders described by a manifest.

A stored folder holds files and `manifest.json`: what the folder depends on (`inputs`),
each file's size and SHA-256, a typed body, and the SHA-256 of all of that. It is made
under a temporary name and renamed when whole, so what is found under its name is
complete. docs/formats.md gives the manifest in prose.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue, ValidationError

from quantbench.errors import ArtifactError, LockedError, StorageError
from quantbench.records import Record

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
_MANIFEST_LIMIT = 64 << 20
_ABANDONED = 3600.0
_UNWRITABLE = {errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM,
               errno.ENOTDIR, errno.EEXIST, errno.EISDIR}  # fmt: skip

Body = TypeVar("Body", bound=Record)


class FileEntry(Record):
    bytes: int
    sha256: str


class Manifest(Record):
    schema_version: int
    kind: str
    inputs: dict[str, JsonValue]
    files: dict[str, FileEntry]
    body: dict[str, JsonValue]
    sha256: str = ""


@dataclass(frozen=True)
class Stored(Generic[Body]):
    """A verified folder."""

    folder: Path
    inputs: dict[str, JsonValue]
    files: dict[str, FileEntry]
    body: Body
    sha256: str

    @property
    def bytes(self) -> int:
        """Of all files but the manifest."""
        return sum(entry.bytes for entry in self.files.values())


def key(inputs: dict[str, JsonValue]) -> str:
    """The SHA-256 of inputs in canonical JSON."""
    return hashlib.sha256(_canonical(inputs)).hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns a full, read-only or forbidden disk into one line that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StorageError(
            f"cannot write to {folder}: {error.strerror}; "
            "free some space or name another folder with --out"
        ) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, or leave it as it was."""
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, f".{path.name}.*")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def save(
    folder: Path,
    kind: str,
    inputs: dict[str, JsonValue],
    fill: Callable[[Path], Body],
) -> Stored[Body]:
    """Make `folder` at once: `fill` writes files into an empty folder and returns the body."""
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        with writing(folder.parent):
            body = fill(temporary)
            files = {
                path.name: FileEntry(bytes=path.stat().st_size, sha256=sha256_of(path))
                for path in sorted(temporary.iterdir())
            }
            manifest = _sealed(kind, inputs, files, body)
            content = json.dumps(manifest.model_dump(mode="json"), indent=1)
            (temporary / MANIFEST).write_text(content + "\n", encoding="utf-8")
            for path in temporary.iterdir():
                _fsync(path)
            temporary.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            temporary.rename(folder)
            _fsync(folder.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Stored(folder, inputs, files, body, manifest.sha256)


def load(folder: Path, kind: str, body_type: type[Body]) -> Stored[Body]:
    """Read a stored folder and check all of it.

    Raises ArtifactError if the manifest was edited or is of another version or kind, or a
    file is missing, not a plain file or not the one that was saved.
    """
    path = folder / MANIFEST
    manifest = _read_manifest(path)
    again = f"; remove {folder} and run again, or use --fresh"
    if manifest.schema_version != MANIFEST_SCHEMA:
        raise ArtifactError(
            f"{path} has schema {manifest.schema_version}, this version reads "
            f"{MANIFEST_SCHEMA}{again}"
        )
    if manifest.kind != kind:
        raise ArtifactError(f"{folder} holds a {manifest.kind}, not a {kind}")
    if not _is_sealed(manifest):
        raise ArtifactError(f"{path} was edited: its SHA-256 doesn't match{again}")
    for name, entry in manifest.files.items():
        _check_file(folder, name, entry, again)
    try:
        body = body_type.model_validate_json(json.dumps(manifest.body))
    except ValidationError as error:
        raise ArtifactError(f"{path} doesn't fit this version{again}") from error
    return Stored(folder, manifest.inputs, manifest.files, body, manifest.sha256)


def find(
    parent: Path, name: str, kind: str, inputs: dict[str, JsonValue], body_type: type[Body]
) -> Stored[Body] | None:
    """The stored folder for just these inputs, or None. Raises ArtifactError as `load` does."""
    folder = path_for(parent, name, inputs)
    if not folder.is_dir():
        return None
    stored = load(folder, kind, body_type)
    if key(stored.inputs) != key(inputs):
        raise ArtifactError(f"{folder} was made from other inputs; remove it and run again")
    return stored


def path_for(parent: Path, name: str, inputs: dict[str, JsonValue]) -> Path:
    return parent / f"{name}-{key(inputs)[:12]}"


def changes(parent: Path, name: str, inputs: dict[str, JsonValue]) -> str | None:
    """What differs from the newest stored folder of that name, in words; None without one."""
    older = [p for p in parent.glob(f"{name}-????????????") if (p / MANIFEST).is_file()]
    if not older:
        return None
    newest = max(older, key=lambda p: p.stat().st_mtime)
    try:
        before = _flat(_read_manifest(newest / MANIFEST).inputs)
    except ArtifactError:  # nothing is read from it, so it is in nobody's way
        return None
    after = _flat(inputs)
    differ = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return ", ".join(_change(k, before.get(k), after.get(k)) for k in differ)


def clean(parent: Path) -> None:
    """Remove what killed processes left half-made; call it under the lock."""
    for path in parent.glob(".*-*.*"):
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path, pattern: str) -> None:
    """Remove what killed processes left half-written where no lock says that they are gone.

    By age: what another process is writing now is younger than an hour.
    """
    for path in parent.glob(pattern):
        with contextlib.suppress(OSError):  # another has swept it, or may alone
            if time.time() - path.lstat().st_mtime < _ABANDONED:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process; the system frees the lock however the process ends."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+", encoding="ascii")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise LockedError(
                f"{folder} is in use by process {pid}; wait for it or name another with --out"
            ) from error
        with writing(folder):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def _sealed(
    kind: str, inputs: dict[str, JsonValue], files: dict[str, FileEntry], body: Record
) -> Manifest:
    manifest = Manifest(
        schema_version=MANIFEST_SCHEMA,
        kind=kind,
        inputs=inputs,
        files=files,
        body=body.model_dump(mode="json"),
    )
    return manifest.model_copy(update={"sha256": _seal(manifest)})


def _seal(manifest: Manifest) -> str:
    return hashlib.sha256(
        _canonical(manifest.model_dump(mode="json", exclude={"sha256"}))
    ).hexdigest()


def _is_sealed(manifest: Manifest) -> bool:
    try:
        return manifest.sha256 == _seal(manifest)
    except ValueError:  # it holds a NaN, which none is saved with
        return False


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read_manifest(path: Path) -> Manifest:
    if not path.is_file():
        raise ArtifactError(f"{path} is missing: that folder was not made by quantbench")
    if path.stat().st_size > _MANIFEST_LIMIT:
        raise ArtifactError(f"{path} is too large to be a manifest")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{path} is not a manifest that this version reads; remove {path.parent} and run again"
        ) from error


def _check_file(folder: Path, name: str, entry: FileEntry, again: str) -> None:
    path = folder / name
    try:
        plain = Path(name).name == name and not path.is_symlink() and path.is_file()
    except OSError:  # a name that no file can have
        plain = False
    if not plain:
        raise ArtifactError(f"{path} is missing or not a plain file{again}")
    if path.stat().st_size != entry.bytes or sha256_of(path) != entry.sha256:
        raise ArtifactError(f"{path} is not the file that was saved: its SHA-256 differs{again}")


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flat(value: JsonValue, prefix: str = "") -> dict[str, str]:
    if not isinstance(value, dict):
        return {prefix: json.dumps(value)}
    return {
        name: text
        for part, inner in value.items()
        for name, text in _flat(inner, f"{prefix}.{part}" if prefix else part).items()
    }


def _change(name: str, before: str | None, after: str | None) -> str:
    if len(before or "") + len(after or "") > 40:
        return f"{name} changed"
    return f"{name} {before or 'unset'} -> {after or 'unset'}"
