"""Disable runtime telemetry before any runtime is imported.

OpenVINO and NNCF load `openvino_telemetry` while they are imported: it writes an identity into
the user's home folder and sends it. ONNX Runtime writes one at its import too. Only the
switches below take effect early enough.
"""

from __future__ import annotations

import os
import sys

_ABSENT = ("openvino_telemetry",)


def switch_off() -> None:
    """Disable telemetry in this process and those that it starts.

    It must run before any runtime is imported, so the package calls it at its own import.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    for name in _ABSENT:
        # A None in sys.modules makes the import fail as if the package weren't installed, and
        # both libraries go on without it.
        sys.modules[name] = None  # type: ignore[assignment]
