"""Libraries that come with an extra, and the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from quantbench.system.machine import versions

ENGINES = ("openvino", "nncf", "torchao", "executorch")
"""The libraries of the extra `engines` in pyproject.toml."""
MOBILE = ("ai_edge_litert", "ai_edge_quantizer", "ncnn", "pnnx", "MNN")
"""The libraries of the extra `mobile`."""
EXTRA_OF = dict.fromkeys(ENGINES, "engines") | dict.fromkeys(MOBILE, "mobile")
"""Library, by the name that it is imported by -> the extra that brings it."""


def why_missing(library: str, extra: str | None = None) -> str | None:
    """Says how to install a library, by its own extra or by `extra`; None where it is there."""
    if find_spec(library) is not None and versions((library,)):
        return None
    return f"{library} is not installed; {install(extra or EXTRA_OF.get(library, 'engines'))}"


def install(extra: str = "engines") -> str:
    """A checkout is on no package index, so there it is the folder that is installed."""
    checkout = (Path(__file__).parents[3] / "pyproject.toml").is_file()
    return f"pip install -e '.[{extra}]'" if checkout else f"pip install 'quantbench[{extra}]'"
