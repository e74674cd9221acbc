"""TensorFlow Lite files of networks that came so; nothing here converts another network."""

from __future__ import annotations

from pathlib import Path

from quantbench.artifacts.tflite_file import checked, why_no_litert
from quantbench.errors import UnavailableError
from quantbench.tasks.network import Network


def given(network: Network) -> Path:
    """The TensorFlow Lite file of a network. Raises UnavailableError for one without."""
    if network.tflite is None:
        raise UnavailableError(
            f"network '{network.name}' came without a TensorFlow Lite file: convert it with "
            "litert-torch in an environment of its own, and give the .tflite file"
        )
    if reason := why_no_litert():
        raise UnavailableError(reason)
    return network.tflite


def copy(network: Network, path: Path) -> None:
    """Write a network's own file to `path`. Raises UnavailableError for a network without."""
    path.write_bytes(checked(given(network)))
