"""The C compiler that the runtime `c99` needs. Loads no library."""

from __future__ import annotations

from quantbench.c99 import compiler
from quantbench.errors import UnavailableError


def unavailable() -> str | None:
    """Why no C compiler can be used here, or None."""
    try:
        compiler.find()
    except UnavailableError as error:
        return str(error)
    return None
