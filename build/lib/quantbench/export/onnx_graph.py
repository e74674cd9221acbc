"""Look-ups in an ONNX graph."""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


class Graph:
    """An index of an ONNX graph: producers, readers and constants by the names of tensors."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.nodes = list(graph.node)
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def producer(self, name: str) -> onnx.NodeProto | None:
        """The node that computes a tensor; None for inputs and initializers."""
        return self._producers.get(name)

    def readers(self, name: str) -> list[onnx.NodeProto]:
        """The nodes that read a tensor, in the graph's order."""
        return self._readers.get(name, [])

    def constant(self, name: str) -> NDArray[np.generic] | None:
        """The array of an initializer; None for other tensors."""
        tensor = self._tensors.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def is_constant(self, name: str) -> bool:
        """Whether a tensor is an initializer."""
        return name in self._tensors


def input_of(node: onnx.NodeProto, place: int) -> str | None:
    """The name of a node's input; None where it is omitted."""
    return (node.input[place] or None) if place < len(node.input) else None


def attribute(node: onnx.NodeProto, name: str, default: int) -> int:
    """The value of an integer attribute; `default` where it is absent."""
    return next((int(a.i) for a in node.attribute if a.name == name), default)
