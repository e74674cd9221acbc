"""Suppress what chatty libraries print, log and warn of: it is meant for their callers."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Suppress stdout, logging and warnings for the duration of the context.

    Standard error stays: progress is drawn there meanwhile. The root logger gets a handler
    for the duration: the first message to a logger without one would install a lasting one.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    before = root.manager.disable
    root.addHandler(handler)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        root.removeHandler(handler)


@contextlib.contextmanager
def silenced_natively() -> Iterator[None]:
    """Suppress what a library in C++ writes to standard output and error, for the whole process.

    What Python holds back is written before. Keep it short: progress is drawn there as well.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [(number, os.dup(number)) for number in (1, 2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number, _ in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, before in kept:
            os.dup2(before, number)
            os.close(before)
        os.close(nowhere)
