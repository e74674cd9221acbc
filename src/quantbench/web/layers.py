"""The integers of each layer for one digit, as the integer C of an ONNX artifact computes them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.artifacts.artifact import load_artifact
from quantbench.c99.compile import planned
from quantbench.c99.ir.graph import Graph, ends
from quantbench.c99.ir.interpreter import quantized, run_all
from quantbench.errors import ArtifactError, CompileError
from quantbench.system.record import Record
from quantbench.web.row_worker import ServedRow

_MAX_VALUES = 200_000
"""The most values of all tensors together that a page is sent for one digit."""


class Layer(Record):
    """A tensor of integers q that stand for scale * (q - zero_point)."""

    name: str
    shape: tuple[int, ...]
    """[C, H, W] or [K]."""
    type: str
    scale: float | None
    """None: each channel has its own."""
    zero_point: int
    values: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Inside:
    """A network of integers to look into: the row that it is of, and its graph."""

    row: str
    graph: Graph


def inside_of(rows: Iterable[ServedRow]) -> Inside | None:
    """The first row whose artifact is an ONNX file that becomes integer C, or None."""
    for row in rows:
        try:
            artifact = load_artifact(row.artifact)
            if artifact.body.format != "onnx":
                continue
            graph = planned(artifact.folder / "model.onnx").graph
        except (ArtifactError, CompileError):
            continue
        if not graph.is_float32 and _size(graph) <= _MAX_VALUES:
            return Inside(row.name, graph)
    return None


def layers(inside: Inside, inputs: NDArray[np.float32]) -> tuple[Layer, ...]:
    """The tensors of a network, in the order in which they are computed, for inputs [1, ...]."""
    graph = inside.graph
    input_, _ = ends(graph)
    values = run_all(graph, quantized(inputs, input_))
    return tuple(_layer(graph, name, array) for name, array in values.items())


def _layer(graph: Graph, name: str, array: NDArray[np.int64]) -> Layer:
    tensor = graph.tensors[name]
    return Layer(
        name=name,
        shape=tensor.shape,
        type=tensor.type,
        scale=tensor.scale[0] if len(tensor.scale) == 1 else None,
        zero_point=tensor.zero_point,
        values=tuple(array.reshape(-1).tolist()),
    )


def _size(graph: Graph) -> int:
    return sum(graph.tensors[node.output].size for node in graph.nodes)
