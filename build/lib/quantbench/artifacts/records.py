"""The manifest's own part of an artifact."""

from __future__ import annotations

from pydantic import JsonValue

from quantbench.numerics.coverage import Quantized
from quantbench.system.record import Record


class ArtifactBody(Record):
    """The origin of an artifact and a description of what its files hold."""

    model: str
    data: str
    method: str
    format: str
    settings: dict[str, JsonValue]
    network_sha256: str
    quantized: Quantized
