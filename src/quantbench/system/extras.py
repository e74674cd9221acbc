"""Libraries that come with an extra, and the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from quantbench.system.machine import versions

ENGINES = ("openvino", "nncf", "torchao", "executorch")
"""Of the extra `engines` in pyproject.toml."""


def why_missing(library: str) -> str | None:
    """Says how to install a library of the extra; None where it is there."""
    if find_spec(library) is not None and versions((library,)):
        return None
    return f"{library} is not installed; {install()}"


def install() -> str:
    """A checkout is on no package index, so there it is the folder that is installed."""
    checkout = (Path(__file__).parents[3] / "pyproject.toml").is_file()
    return "pip install -e '.[engines]'" if checkout else "pip install 'quantbench[engines]'"
