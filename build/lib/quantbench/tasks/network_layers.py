"""The layers of a network, whatever it was loaded from."""

from __future__ import annotations

from quantbench.tasks.layers import layers
from quantbench.tasks.network import Network
from quantbench.tasks.records import Layer


def network_layers(network: Network) -> tuple[Layer, ...]:
    """List the layers of a module, or of a file where there is no module.

    Raises UnavailableError where there is neither, and ArtifactError for a file that can't be run.
    """
    batch = network.fixed_batch or 1
    if network.tflite is not None:
        from quantbench.tasks.tflite_layers import tflite_layers  # it imports LiteRT

        return tflite_layers(network.tflite)
    if network.onnx is None or network.make_module is not None:
        return layers(network.module(), network.inputs, batch)
    from quantbench.tasks.onnx_layers import onnx_layers  # it imports onnx and ONNX Runtime

    return onnx_layers(network.onnx, network.inputs, batch)
