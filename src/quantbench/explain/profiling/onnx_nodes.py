"""The nodes of an ONNX file, as runtimes name them in a profile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnx

from quantbench.artifacts.onnx_file import checked

CONVERSIONS = frozenset(
    ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Cast", "FakeQuantize")
)
"""Operators that change how numbers are held and compute nothing with them."""


@dataclass(frozen=True)
class FileNode:
    """A node of a file: its operator, and the names that its weights and outputs have."""

    op: str
    names: tuple[str, ...]


def file_nodes(path: Path) -> dict[str, FileNode]:
    """Node name -> the node. Raises ArtifactError for a file that isn't read safely."""
    model = onnx.load_from_string(checked(path).data)
    makers = {output: node for node in model.graph.node for output in node.output}

    def sources(node: onnx.NodeProto) -> tuple[str, ...]:
        """The names of a node and of the tensors that it reads, through their conversions."""
        names = [node.name, *node.output]
        for tensor in node.input[1:]:
            maker = makers.get(tensor)
            names += [tensor, *(maker.input[:1] if maker and maker.op_type in CONVERSIONS else ())]
        return tuple(name for name in names if name)

    return {node.name: FileNode(node.op_type, sources(node)) for node in model.graph.node}
