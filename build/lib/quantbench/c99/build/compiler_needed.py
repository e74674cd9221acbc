"""The C compiler that the runtime `c99` needs. Loads no library."""

from __future__ import annotations

from quantbench.c99.build import toolchain
from quantbench.errors import UnavailableError


def unavailable() -> str | None:
    """The reason why no C compiler can be used here, or None."""
    try:
        toolchain.find()
    except UnavailableError as error:
        return str(error)
    return None
