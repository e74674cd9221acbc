"""Store finished steps: folders that a manifest describes.

A stored folder holds files and `manifest.json`: what the folder depends on (`inputs`), each
file's size and SHA-256, a typed body, and the SHA-256 of all of that. It is made under a
temporary name and renamed when whole, so a folder under its final name is complete.
docs/formats.md describes the manifest.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import JsonValue, ValidationError

from quantbench.errors import ArtifactError
from quantbench.system.files import (
    discard,
    fsync,
    opened,
    read_plain,
    sha256_of,
    temporary_name,
    writing,
)
from quantbench.system.record import Record

MANIFEST = "manifest.json"
MANIFEST_SCHEMA = 1
_MANIFEST_LIMIT = 64 << 20

Body = TypeVar("Body", bound=Record)


class FileEntry(Record):
    """Size in bytes and SHA-256 (hexadecimal) of one stored file."""

    bytes: int
    sha256: str


class Manifest(Record):
    """The content of `manifest.json`; `sha256` seals all its other fields."""

    schema_version: int
    kind: str
    inputs: dict[str, JsonValue]
    files: dict[str, FileEntry]
    body: dict[str, JsonValue]
    sha256: str = ""


@dataclass(frozen=True)
class Stored(Generic[Body]):
    """A folder whose manifest and files were checked when it was loaded."""

    folder: Path
    inputs: dict[str, JsonValue]
    files: dict[str, FileEntry]
    body: Body
    sha256: str

    @property
    def bytes(self) -> int:
        """Bytes of all files but the manifest."""
        return sum(entry.bytes for entry in self.files.values())


def key(inputs: dict[str, JsonValue]) -> str:
    """The SHA-256 (hexadecimal) of `inputs` in canonical JSON: sorted keys, no spaces."""
    return hashlib.sha256(_canonical(inputs)).hexdigest()


def save(
    folder: Path,
    kind: str,
    inputs: dict[str, JsonValue],
    fill: Callable[[Path], Body],
) -> Stored[Body]:
    """Make `folder`, all of it or nothing, and replace one that is there.

    `fill` writes files into an empty temporary folder and returns the body. Raises StorageError,
    and whatever `fill` raises.
    """
    with writing(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_name(folder)
        temporary.mkdir()
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
            for path in (*temporary.iterdir(), temporary):
                fsync(path)
            discard(folder)
            temporary.rename(folder)
            fsync(folder.parent)
    except BaseException:  # Ctrl-C too: an unfinished folder must not stay
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return Stored(folder, inputs, files, body, manifest.sha256)


def load(folder: Path, kind: str, body_type: type[Body]) -> Stored[Body]:
    """Read a stored folder and check its manifest and every file.

    Raises ArtifactError where the manifest was edited or is of another version or kind, and where
    a file is missing, not a plain file or not the one that was saved.
    """
    path = folder / MANIFEST
    manifest = _read_manifest(path)
    remedy = f"; remove {folder} and run again, or use --fresh"
    if manifest.schema_version != MANIFEST_SCHEMA:
        raise ArtifactError(
            f"{path} has schema {manifest.schema_version}, this version reads "
            f"{MANIFEST_SCHEMA}{remedy}"
        )
    if manifest.kind != kind:
        raise ArtifactError(f"{folder} holds a {manifest.kind}, not a {kind}")
    if not _is_sealed(manifest):
        raise ArtifactError(f"{path} was edited: its SHA-256 doesn't match{remedy}")
    for name, entry in manifest.files.items():
        _check_file(folder, name, entry, remedy)
    try:
        body = body_type.model_validate_json(json.dumps(manifest.body))
    except ValidationError as error:
        raise ArtifactError(f"{path} doesn't fit this version{remedy}") from error
    return Stored(folder, manifest.inputs, manifest.files, body, manifest.sha256)


def find(
    parent: Path, name: str, kind: str, inputs: dict[str, JsonValue], body_type: type[Body]
) -> Stored[Body] | None:
    """The stored folder for exactly these inputs, or None where there is none.

    Raises ArtifactError as `load` does.
    """
    folder = path_for(parent, name, inputs)
    if not os.path.lexists(folder):
        return None
    stored = load(folder, kind, body_type)
    if key(stored.inputs) != key(inputs):
        raise ArtifactError(f"{folder} was made from other inputs; remove it and run again")
    return stored


def path_for(parent: Path, name: str, inputs: dict[str, JsonValue]) -> Path:
    """The folder for these inputs: `name` and the first 12 digits of their key."""
    return parent / f"{name}-{key(inputs)[:12]}"


def changes(parent: Path, name: str, inputs: dict[str, JsonValue]) -> str | None:
    """Say how `inputs` differ from those of the newest stored folder called `name`.

    None where there is no such folder, or its manifest can't be read.
    """
    stored = [p for p in parent.glob(f"{name}-????????????") if (p / MANIFEST).is_file()]
    if not stored:
        return None
    newest = max(stored, key=lambda p: p.stat().st_mtime)
    try:
        before = _flat(_read_manifest(newest / MANIFEST).inputs)
    except ArtifactError:  # only the message is lost: the folder is never used
        return None
    after = _flat(inputs)
    differ = sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k))
    return ", ".join(_change(k, before.get(k), after.get(k)) for k in differ)


def clean(parent: Path) -> None:
    """Remove folders that killed processes left half-made; call it under the workspace's lock."""
    for path in parent.glob(".*-*.*"):
        with contextlib.suppress(OSError):
            discard(path)


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
    except ValueError:  # it holds a NaN, and `save` refuses those
        return False


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _read_manifest(path: Path) -> Manifest:
    folder = path.parent
    if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
        raise ArtifactError(f"{folder} is not a folder of its own; remove it and run again")
    try:
        content = read_plain(path, _MANIFEST_LIMIT + 1, follow=False)
    except OSError as error:
        raise ArtifactError(
            f"{path} is missing or not a plain file: that folder was not made by quantbench; "
            f"remove {folder} and run again"
        ) from error
    if len(content) > _MANIFEST_LIMIT:
        raise ArtifactError(f"{path} is too large to be a manifest; remove {folder} and run again")
    try:
        return Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ArtifactError(
            f"{path} is not a manifest that this version reads; remove {folder} and run again"
        ) from error


def _check_file(folder: Path, name: str, entry: FileEntry, remedy: str) -> None:
    path = folder / name
    missing = f"{path} is missing or not a plain file{remedy}"
    if Path(name).name != name:
        raise ArtifactError(missing)
    try:
        with opened(path, follow=False) as file:
            same = os.fstat(file.fileno()).st_size == entry.bytes
            same = same and hashlib.file_digest(file, "sha256").hexdigest() == entry.sha256
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ArtifactError(missing) from error
    if not same:
        raise ArtifactError(f"{path} is not the file that was saved: its SHA-256 differs{remedy}")


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
