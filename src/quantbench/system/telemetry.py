"""Engines that report their use to their makers are kept from it.

OpenVINO and NNCF load `openvino_telemetry` while they are imported, and it writes an identity
into the user's home and sends it; ONNX Runtime writes one at its import too. No setting of
theirs comes early enough but these.
"""

from __future__ import annotations

import os
import sys

_ABSENT = ("openvino_telemetry",)


def switch_off() -> None:
    """For this process and those that it starts; before any engine is imported."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    for name in _ABSENT:
        # Importing a name that stands for None fails as if it weren't installed, and both
        # engines go on without it.
        sys.modules[name] = None  # type: ignore[assignment]
