"""Libraries that come with an extra, and the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from quantbench.system.machine import versions

ENGINES = ("openvino", "nncf", "torchao", "executorch")
"""Of the extra `engines` in pyproject.toml."""


def why_missing(library: str, extra: str = "engines") -> str | None:
    """Says how to install a library of the extra; None where it is there."""
    if find_spec(library) is not None and versions((library,)):
        return None
    return f"{library} is not installed; {install(extra)}"


def install(extra: str = "engines") -> str:
    """A checkout is on no package index, so there it is the folder that is installed."""
    checkout = (Path(__file__).parents[3] / "pyproject.toml").is_file()
    return f"pip install -e '.[{extra}]'" if checkout else f"pip install 'quantbench[{extra}]'"
