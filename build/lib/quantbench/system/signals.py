"""SIGINT, SIGTERM and SIGHUP, held back while ending would leave something behind."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

ENDING = tuple(
    number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")
)
"""SIGHUP is there on Unix only."""


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back SIGINT, SIGTERM and SIGHUP in the main thread until the context ends.

    It guards the start of a process: an exception between the start and the code that registers
    its end would leave the process running. In another thread it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        if before[number] is not None:  # None: installed outside Python, can't be put back
            signal.signal(number, lambda signum, _: held.append(signum))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        for received in held:
            signal.raise_signal(received)
