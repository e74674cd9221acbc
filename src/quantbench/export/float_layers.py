"""The layers of a float network, by which coverage is told."""

from __future__ import annotations

from quantbench.tasks.layers import layers
from quantbench.tasks.network import Network
from quantbench.tasks.records import Layer


def float_layers(network: Network) -> tuple[Layer, ...]:
    """The layers of a network in the order in which data passes them.

    Raises UnavailableError for a network without a module.
    """
    return layers(network.module(), network.inputs)
