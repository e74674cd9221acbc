"""Locks (flock) that the operating system frees however their owner ends."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from quantbench.errors import LockedError, StorageError, UnavailableError
from quantbench.system.files import flags, handle_of, writing
from quantbench.system.machine import why_no_studies

try:
    import fcntl
except ImportError:  # Windows: who needs a lock there gets UnavailableError
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made where it isn't there, for this process alone.

    Raises LockedError, which names the process that holds it, or StorageError.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ".lock"
        handle = _opened(path, os.O_RDWR)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise LockedError(
                f"{folder} is in use by process {pid}; wait for it or name another with --out"
            ) from error
        with writing(folder):
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Wait for the lock file `path`, then hold it. Raises OSError where it can't be made."""
    handle = _opened(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class SharedLock:
    """A lock that several processes may have at once, or one alone."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def try_alone(self) -> bool:
        """Take the lock exclusively; False where another process has it.

        After False this process may hold no lock at all: flock converts by releasing first.
        """
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Take the lock together with other processes; waits for one that has it exclusively."""
        fcntl.flock(self._handle, fcntl.LOCK_SH)


@contextlib.contextmanager
def shared(path: Path) -> Iterator[SharedLock]:
    """Open the lock file `path`, not locked yet. Raises OSError where it can't be made."""
    handle = _opened(path, os.O_RDONLY)
    try:
        yield SharedLock(handle)
    finally:
        os.close(handle)


def _opened(path: Path, access: int) -> int:
    """Open a plain file, which is made where it isn't there; a link is not followed.

    Raises UnavailableError where the system has no locks.
    """
    if fcntl is None:
        raise UnavailableError(why_no_studies() or "this system has no file locks")
    try:
        return handle_of(path, access | os.O_CREAT | flags("O_NOFOLLOW"))
    except OSError as error:
        if not os.path.lexists(path) or stat.S_ISREG(path.lstat().st_mode):
            raise
        raise StorageError(f"{path} is not a plain file; remove it") from error
