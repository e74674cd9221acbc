"""A message on the terminal while something loads: large libraries take seconds to import."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

_ERASE = "\r\x1b[2K"


def has_cursor() -> bool:
    """Whether standard error is a terminal that moves its cursor; FORCE_COLOR doesn't make one."""
    return sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"}


@contextlib.contextmanager
def loading(what: str) -> Iterator[None]:
    """Show "loading `what` ..." on a terminal, and erase it when that is done; else nothing."""
    shown = has_cursor()
    if shown:
        sys.stderr.write(f"loading {what} ...")
        sys.stderr.flush()
    try:
        yield
    finally:
        if shown:
            sys.stderr.write(_ERASE)
            sys.stderr.flush()
