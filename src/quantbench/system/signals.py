"""What ends a program politely, held back while that would leave something behind."""

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
    """Delivers SIGINT, SIGTERM and SIGHUP to the main thread only at the end of the block.

    For starting a process: between its start and the place that ends it again nothing may raise.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        if before[number] is not None:  # else another language's, which can't be put back
            signal.signal(number, lambda signum, _: held.append(signum))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        for received in held:
            signal.raise_signal(received)
