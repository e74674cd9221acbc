"""The layers of a float network, by which coverage is told."""

from __future__ import annotations

from quantbench.tasks.network import Network
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Layer


def float_layers(network: Network) -> tuple[Layer, ...]:
    """The layers of a network in the order in which data passes them.

    Raises UnavailableError for a network that is neither a module nor an ONNX file.
    """
    return network_layers(network)
