"""The stored weights of a node as real numbers, and the format that they are stored in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from numpy.typing import NDArray

from quantbench.explain.error.output_format import OutputFormat, limits
from quantbench.export.onnx_graph import Graph
from quantbench.export.onnx_names import FLOAT, INTEGER, stored_behind

Real: TypeAlias = NDArray[np.float64]
Stored: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class Weights:
    """Weights as real numbers, and their format where they are stored as integers."""

    values: Real
    format: OutputFormat | None


def weights_of(graph: Graph, node: onnx.NodeProto) -> Weights | None:
    """The stored weights that a node multiplies by; None where it multiplies by none."""
    place = INTEGER[node.op_type][0] if node.op_type in INTEGER else 1
    if node.op_type not in (*INTEGER, *FLOAT) or place >= len(node.input):
        return None
    stored = stored_behind(graph, node, place)
    values = graph.constant(stored.name)
    if values is None:
        return None
    scale = graph.constant(stored.scale) if stored.scale else None
    if scale is None or values.dtype.kind not in "iu" or stored.block:
        return Weights(values.astype(np.float64), None)
    zero = graph.constant(stored.zero_point) if stored.zero_point else None
    least, greatest = limits(values.dtype)
    format = OutputFormat(
        scale=np.asarray(scale, np.float64).ravel(),
        zero=np.zeros(1) if zero is None else np.asarray(zero, np.float64).ravel(),
        least=least,
        greatest=greatest,
        axis=stored.axis % max(values.ndim, 1),
    )
    return Weights(format.dequantized(values), format)


def alike(first: Graph, one: onnx.NodeProto, second: Graph, other: onnx.NodeProto) -> float:
    """The cosine between the weights of two nodes of two graphs, or -1 where they can't agree."""
    left, right = weights_of(first, one), weights_of(second, other)
    if left is None or right is None:
        return -1.0
    a, b = left.values, right.values
    if a.shape != b.shape:
        b = b.T
    if a.shape != b.shape:
        return -1.0
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm else 0.0
