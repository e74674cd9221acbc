"""A limit on how long code may run without a sign of progress.

Libraries that trace and convert networks may take for ever, and offer no way to stop them. So an
exception is raised in their thread, as Ctrl-C does: between two steps of Python. A call into C is
stopped when it returns.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

from quantbench.errors import OverdueError
from quantbench.system.progress import Progress

T = TypeVar("T")
_AGAIN = 10.0
"""Seconds until it is raised again: code may swallow it, and what cleans up may take a while."""


_LOOK = 0.5
"""Seconds from one look at the clock to the next."""
_BUSY = 4
"""Other programs may take the processor: so many times as long is waited for as long a work."""


class _Overdue(BaseException):
    """Passes through code that catches any Exception, as KeyboardInterrupt does."""


class _Watch:
    """Raises _Overdue in the thread that made this, while it is late."""

    def __init__(self, seconds: float, until: float) -> None:
        self._seconds, self._until = seconds, until
        self._thread = threading.get_ident()
        self.alive()
        self._ended = threading.Event()
        self._raising = threading.Lock()
        self._watcher = threading.Thread(target=self._watch, name="patience", daemon=True)

    @property
    def _late(self) -> bool:
        now = time.monotonic()
        waited, worked = now - self._seen, time.process_time() - self._worked
        busy = worked < self._seconds and waited < _BUSY * self._seconds
        return now >= self._until or (waited >= self._seconds and not busy)

    def start(self) -> None:
        """Begin to watch."""
        self._watcher.start()

    def alive(self) -> None:
        """Begin to wait anew."""
        self._seen, self._worked = time.monotonic(), time.process_time()

    def end(self) -> None:
        """Raise nothing any more, not even what is on its way."""
        with self._raising:
            self._ended.set()
            _raise_in(self._thread, None)
        if self._watcher.is_alive():
            self._watcher.join()

    def _watch(self) -> None:
        while not self._ended.wait(min(self._seconds / 10, _LOOK)):
            with self._raising:
                late = not self._ended.is_set() and self._late
                if late:
                    _raise_in(self._thread, _Overdue)
            if late and self._ended.wait(_AGAIN):
                return


class _Watched:
    """A Progress that hands everything on; each line and each item of a loop is a sign of it."""

    def __init__(self, progress: Progress, alive: Callable[[], None]) -> None:
        self._progress, self._alive = progress, alive

    def log(self, line: str) -> None:
        self._alive()
        self._progress.log(line)

    def each(
        self,
        items: Iterable[T],
        description: str,
        total: int,
        name: Callable[[T], str] | None = None,
    ) -> Iterator[T]:
        for item in self._progress.each(items, description, total, name):
            self._alive()
            yield item
        self._alive()

    def waiting(self, what: str) -> AbstractContextManager[None]:
        self._alive()
        return self._progress.waiting(what)


@contextlib.contextmanager
def patience(seconds: float, progress: Progress, until: float = math.inf) -> Iterator[Progress]:
    """Give a Progress whose signs let the context go on; without one for `seconds` it ends.

    They are seconds of this process's work, or four times as many of the clock. It ends at
    `until`, of time.monotonic(), in any case. Raises OverdueError.
    """
    watch = _Watch(seconds, until)
    try:
        try:
            watch.start()
            yield _Watched(progress, watch.alive)
        finally:
            watch.end()
    except _Overdue:
        watch.end()  # it may have come in the midst of ending
        raise OverdueError(f"gave no sign of progress for {seconds:g} s") from None


def _raise_in(thread: int, kind: type[BaseException] | None) -> None:
    """Raise an exception in a thread, or take back one that isn't raised yet."""
    target = None if kind is None else ctypes.py_object(kind)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), target)
