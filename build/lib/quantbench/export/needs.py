"""Requirements of methods beside PyTorch. Imports none of them: `quantbench list` asks here."""

from __future__ import annotations

from importlib import metadata

from quantbench.system.extras import install, why_missing

_OLDEST = (0, 18)
"""The first version of torchao with the PT2E quantizers in use."""


def torchao() -> str | None:
    """The reason why torchao can't be used here, or None."""
    if reason := why_missing("torchao"):
        return reason
    found = metadata.version("torchao")
    if tuple(int(part) for part in found.split(".")[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"torchao {found} is older than {oldest}; {install()}"
    return None


def xnnpack() -> str | None:
    """The reason why programs for XNNPACK can't be made here, or None."""
    return torchao() or why_missing("executorch")


def litert_quantizer() -> str | None:
    """The reason why LiteRT's quantizer can't be used here, or None."""
    return why_missing("ai_edge_litert") or why_missing("ai_edge_quantizer")
