"""Readable names of layers: those of the user's network, where the ONNX file still holds them.

Exporters name nodes after operators (`node_conv2d_1`), but keep the names of parameters
(`layer1.0.conv1.weight`), or the module's scope in a node's name (`/layer1/conv1/Conv`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from quantbench.c99.frontend.reader import Network, OnnxNode

_PARAMETER = re.compile(
    r"(?:d?q_output_)?(?P<layer>[A-Za-z_]\w*(?:\.\w+)*)\.(?:weight|bias)(?:[._]\w+)?\Z"
)
_SCOPE = re.compile(r"/(?P<layer>\w[\w./]*)/[A-Za-z]\w*\Z")
_SAME_VALUES = frozenset(
    ("Cast", "DequantizeLinear", "Identity", "QuantizeLinear", "Reshape", "Transpose")
)
_MAX_STEPS = 16


def layer_names(network: Network) -> dict[str, str]:
    """The readable name of each node's layer, by the node's `where`."""
    makers = {output: node for node in network.nodes for output in node.outputs}
    return {node.where: _name(node, makers) for node in network.nodes}


def _name(node: OnnxNode, makers: Mapping[str, OnnxNode]) -> str:
    for parameter in (tensor for source in node.inputs[1:] for tensor in _sources(source, makers)):
        if match := _PARAMETER.match(parameter):
            return match["layer"]
    name = node.name or node.outputs[0]
    if match := _SCOPE.match(name):
        return match["layer"].replace("/", ".")
    return name.removeprefix("node_")


def _sources(tensor: str, makers: Mapping[str, OnnxNode]) -> Iterator[str]:
    """Yield the tensor, then those that hold its values before quantization or transposition."""
    for _ in range(_MAX_STEPS):
        yield tensor
        node = makers.get(tensor)
        if node is None or node.op not in _SAME_VALUES or not node.inputs:
            return
        tensor = node.inputs[0]
