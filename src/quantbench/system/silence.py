"""Suppress what chatty libraries print, log and warn of: it is meant for their callers."""

from __future__ import annotations

import contextlib
import io
import logging
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
