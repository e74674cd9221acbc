"""Read only plain files; write so that another process sees the whole file or none of it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from quantbench.errors import StorageError

_ABANDONED_SECONDS = 3600.0
_MIN_FREE_BYTES = 1 << 20
_UNWRITABLE = {errno.ENOENT, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM,
               errno.ENOTDIR, errno.EEXIST, errno.EISDIR}  # fmt: skip


def flags(*names: str) -> int:
    """Join those flags of `os.open` that this system has; Unix and Windows differ."""
    return sum(vars(os).get(name, 0) for name in names)


def handle_of(path: Path, access: int) -> int:
    """Open a plain file and return its descriptor, which the caller closes.

    Raises OSError, also for what is no plain file: opening a pipe may block for ever, and a
    device may have no end.
    """
    plain = flags("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY", "O_NOINHERIT")
    handle = os.open(path, access | plain, 0o666)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "not a plain file", str(path))


@contextlib.contextmanager
def opened(path: Path, *, follow: bool = True) -> Iterator[BufferedReader]:
    """Open a plain file for reading; without `follow`, refuse a link. Raises OSError."""
    with os.fdopen(handle_of(path, 0 if follow else flags("O_NOFOLLOW")), "rb") as file:
        yield file


def read_plain(path: Path, max_bytes: int, *, follow: bool = True) -> bytes:
    """The first `max_bytes` bytes of a plain file. Raises OSError as `opened` does."""
    with opened(path, follow=follow) as file:
        return file.read(max_bytes)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a plain file, in hexadecimal. Raises OSError as `opened` does."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def temporary_name(path: Path) -> Path:
    """A name beside `path` that no file has.

    Unlike what `tempfile` makes, a file that is made under it has the user's umask.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(6)}")


def fsync(path: Path) -> None:
    """Wait until a file, or the list of files of a folder, is on the disk.

    Windows opens no folder and keeps their lists by itself.
    """
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(path: Path) -> None:
    """Remove a file, a link or a whole folder, but nothing that a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sweep(parent: Path, pattern: str) -> None:
    """Remove files that killed processes left half-written, where no lock tells that they ended.

    Their age tells it: a file that another process is still writing is younger than an hour.
    """
    for path in parent.glob(pattern):
        with contextlib.suppress(OSError):  # another process removed it, or only another user may
            if time.time() - path.lstat().st_mtime >= _ABANDONED_SECONDS:
                discard(path)


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn an error of a full, read-only or forbidden disk into a StorageError."""
    try:
        yield
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        raise StorageError(_unwritable(folder, error)) from error


def _unwritable(folder: Path, error: OSError) -> str:
    """The message; it names the temporary folder where that is full: libraries write there too."""
    temporary = _temporary_folder()
    elsewhere = temporary is not None and not folder.absolute().is_relative_to(temporary)
    named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else None
    if (
        temporary
        and elsewhere
        and (
            named.is_relative_to(temporary)
            if named is not None
            else error.errno == errno.ENOSPC and _is_full(temporary) and not _is_full(folder)
        )
    ):
        return (
            f"cannot write to the temporary folder {temporary}: {error.strerror}; "
            "free some space there or set TMPDIR to another folder"
        )
    return (
        f"cannot write to {folder}: {error.strerror}; "
        "free some space or name another folder with --out"
    )


def _temporary_folder() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # no temporary folder can be written
        return None


def _is_full(folder: Path) -> bool:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free < _MIN_FREE_BYTES


def require_writable(folder: Path) -> None:
    """Check that files can be made in `folder`, before hours are spent on their content.

    Raises StorageError where an existing folder takes no files; a missing one passes.
    """
    with writing(folder):
        if os.path.lexists(folder):
            probe = temporary_name(folder / "probe")
            probe.mkdir()
            probe.rmdir()


def write_atomic(path: Path, content: bytes) -> None:
    """Replace the file `path` by `content`, or leave it as it was.

    Parent folders are made. Raises StorageError.
    """
    with writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, f".{path.name}.*")
        temporary = temporary_name(path)
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            fsync(path.parent)
        except BaseException:  # Ctrl-C too: an unfinished file must not stay
            temporary.unlink(missing_ok=True)
            raise
