"""Samples from .npz and .npy files: sizes are bounded before anything is decompressed."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from quantbench.errors import DataFileError, SamplesError
from quantbench.samples.arrays import from_arrays
from quantbench.samples.npy_file import Header, mapped, read_header
from quantbench.samples.records import Array, Samples
from quantbench.samples.stream import DEFAULT_LIMIT, Limit, require_free
from quantbench.samples.structure import choose
from quantbench.system.files import opened, sweep, temporary_name, writing

_MAX_MEMBERS = 1000
_MAX_RATIO, _RATIO_FROM = 200, 256 * 2**20
"""Arrays of more than 256 MiB that are packed to less than a 200th are taken for an attack."""
_PIECE = 4 * 2**20
_FAULTS = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError)
"""Exceptions of `zipfile` for a file that is damaged, encrypted or packed in another way."""


def from_npz(
    name: str,
    path: Path,
    folder: Path,
    limit: Limit = DEFAULT_LIMIT,
    *,
    names: Sequence[str] = (),
    dtypes: Sequence[str] = (),
    target: str | None = None,
    classes: Sequence[str] = (),
) -> Samples:
    """Samples of a .npz file; its arrays are unpacked to .npy files in `folder` and mapped.

    Arrays are called as the network's inputs are (`names`), or x; the targets y, labels, label,
    target or targets, or as `target` says. Others stay packed. Raises DataFileError for a damaged
    file and for one that holds objects, SamplesError for names that don't fit and arrays larger
    than `limit`, StorageError where the disk is full.
    """
    with _opened(path) as archive:
        members = _members(archive, path)
        inputs, labels = choose(members, str(path), names, target)
        wanted = (*inputs, *(() if labels is None else (labels,)))
        headers = {array: _header(archive, members[array], path) for array in wanted}
        _require_bounded(path, [members[array] for array in wanted], limit)
        require_free(folder, name, sum(header.bytes for header in headers.values()))
        unpacked = [
            _unpack(archive, members[array], folder / f"{name}-{part}.npy")
            for array, part in zip(wanted, _parts(len(inputs), labels), strict=True)
        ]
    cut = [array[: limit.samples] for array in unpacked]
    values = cut[len(inputs)] if labels is not None else None
    samples = from_arrays(
        f"{name} ({path.name})", tuple(cut[: len(inputs)]), values, dtypes=dtypes, classes=classes
    )
    return replace(samples, name=name)


def from_npy(
    name: str, path: Path, limit: Limit = DEFAULT_LIMIT, *, dtypes: Sequence[str] = ()
) -> Samples:
    """Samples without targets: the array of a .npy file, which is memory-mapped where it lies.

    Raises DataFileError for a damaged file and for objects, SamplesError as `from_arrays` does.
    """
    samples = from_arrays(f"{name} ({path.name})", mapped(path)[: limit.samples], dtypes=dtypes)
    return replace(samples, name=name)


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except OSError as error:
        raise DataFileError(f"{path} can't be read: {error.strerror or error}") from error
    except _FAULTS as error:
        raise DataFileError(f"{path} is no .npz file, or damaged ({error})") from error


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Name of each array -> its member."""
    infos = archive.infolist()
    if len(infos) > _MAX_MEMBERS:
        raise DataFileError(f"{path} holds {len(infos)} files, over {_MAX_MEMBERS}")
    members = {
        info.filename.removesuffix(".npy"): info for info in infos if info.filename.endswith(".npy")
    }
    if len({info.filename for info in infos}) != len(infos):
        raise DataFileError(f"{path} holds two arrays of one name")
    packings = {info.compress_type for info in infos}
    if not packings <= {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise DataFileError(f"{path} is packed as NumPy doesn't; save it with numpy.savez")
    return members


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Header:
    """The member's header; no more than its first 64 KiB are decompressed."""
    where = f"{path}, array '{member.filename.removesuffix('.npy')}',"
    with archive.open(member) as file:
        header = read_header(file, where)
    if header.start + header.bytes != member.file_size:
        raise DataFileError(
            f"{where} has {member.file_size} bytes where its header says "
            f"{header.start + header.bytes}"
        )
    return header


def _require_bounded(path: Path, members: Sequence[zipfile.ZipInfo], limit: Limit) -> None:
    size = sum(member.file_size for member in members)
    if size > limit.bytes:
        raise SamplesError(
            f"{path} unpacks to {size:,} bytes, over the limit of {limit.bytes:,}; give fewer "
            "samples or set a higher limit"
        )
    packed = sum(member.compress_size for member in members)
    if size > _RATIO_FROM and size > _MAX_RATIO * packed:
        raise DataFileError(
            f"{path} unpacks from {packed:,} to {size:,} bytes, as no data does; save it with "
            "numpy.savez, which doesn't pack"
        )


def _parts(inputs: int, labels: str | None) -> list[str]:
    return [f"x{number}" for number in range(1, inputs + 1)] + ["y"] * (labels is not None)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, out: Path) -> Array:
    """Copy a member piece by piece and map the copy; `zipfile` checks the CRC at its end."""
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        sweep(out.parent, f".{out.name}.*")
        temporary = temporary_name(out)
        try:
            with archive.open(member) as packed, temporary.open("xb") as file:
                shutil.copyfileobj(packed, file, _PIECE)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(out)
        finally:
            temporary.unlink(missing_ok=True)
    return mapped(out)
