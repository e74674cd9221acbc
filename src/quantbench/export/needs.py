"""What methods need beside PyTorch. Loads no library, so that `quantbench list` can ask it."""

from __future__ import annotations

from importlib import metadata

from quantbench.system.extras import install, why_missing

_OLDEST = (0, 18)
"""The torchao whose quantizers for PT2E are used."""


def torchao() -> str | None:
    """Why torchao can't be used here, or None."""
    if reason := why_missing("torchao"):
        return reason
    found = metadata.version("torchao")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"torchao {found} is older than {oldest}; {install()}"
    return None


def xnnpack() -> str | None:
    """Why XNNPACK's quantizer and its programs can't be made here, or None."""
    return torchao() or why_missing("executorch")
