"""The integers of each layer for one digit, as the integer C of ONNX artifacts computes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench.artifacts.artifact import load_artifact
from quantbench.c99.compile import planned
from quantbench.c99.frontend.layer_names import layer_names
from quantbench.c99.frontend.reader import read
from quantbench.c99.ir.graph import Graph, Node, Tensor, ends
from quantbench.c99.ir.interpreter import quantized, run_all
from quantbench.errors import ArtifactError, CompileError
from quantbench.system.record import Record
from quantbench.web.row_worker import ServedRow

_MAX_VALUES = 200_000
"""The most values of all tensors together that a page is sent for one digit."""


class Layer(Record):
    """A tensor of integers q that stand for scale * (q - zero_point)."""

    name: str
    """The layer's name in the user's network, where the file still holds it."""
    operation: str
    """The operation that computes it, in words; empty for the network's input."""
    shape: tuple[int, ...]
    """[C, H, W] or [K]."""
    type: str
    scale: float | None
    """None: each channel has its own."""
    zero_point: int
    values: tuple[int, ...]


class RowLayers(Record):
    """The layers of a row, for one digit."""

    row: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True, eq=False)
class Inside:
    """A network of integers to look into: the row that it is of, and its graph.

    `labels`: names of layers in the user's network, by the name of the ONNX node.
    """

    row: str
    graph: Graph
    labels: Mapping[str, str]


def insides_of(rows: Iterable[ServedRow]) -> tuple[Inside, ...]:
    """The rows whose artifacts are ONNX files that become integer C, as far as a page holds them.

    Of rows with one artifact the first stands for all: their integers are the same.
    """
    by_artifact = dict[Path, ServedRow]()
    for row in rows:
        by_artifact.setdefault(row.artifact, row)
    insides, size = list[Inside](), 0
    for row in by_artifact.values():
        inside = _inside_of(row)
        if inside is not None and size + _size(inside.graph) <= _MAX_VALUES:
            size += _size(inside.graph)
            insides.append(inside)
    return tuple(insides)


def _inside_of(row: ServedRow) -> Inside | None:
    try:
        artifact = load_artifact(row.artifact)
        if artifact.body.format != "onnx":
            return None
        file = artifact.folder / "model.onnx"
        graph, labels = planned(file).graph, layer_names(read(file))
    except (ArtifactError, CompileError):
        return None
    return None if graph.is_float32 else Inside(row.name, graph, labels)


def row_layers(inside: Inside, inputs: NDArray[np.float32]) -> RowLayers:
    """The layers of a row for an input, [1, ...], by the row's name."""
    return RowLayers(row=inside.row, layers=layers(inside, inputs))


def layers(inside: Inside, inputs: NDArray[np.float32]) -> tuple[Layer, ...]:
    """The input of a network, [1, ...], as its integers, then what each layer makes of it.

    A node that gives another shape to the same values is no layer.
    """
    graph = inside.graph
    input_, _ = ends(graph)
    values = run_all(graph, quantized(inputs, input_))
    return (
        _layer(input_, "input", "", values[graph.input]),
        *(_of_node(inside, node, values[node.output]) for node in _computing(graph)),
    )


def _computing(graph: Graph) -> Iterator[Node]:
    """The nodes but those that give another shape to the same values."""
    for node in graph.nodes:
        sizes = {graph.tensors[name].size for name in (*node.reads, node.output)}
        if node.rounds or len(sizes) > 1:
            yield node


def _of_node(inside: Inside, node: Node, array: NDArray[np.int64]) -> Layer:
    name = inside.labels.get(node.name) or node.name.partition(" (")[0]
    return _layer(inside.graph.tensors[node.output], name, ", ".join(node.describe()), array)


def _layer(tensor: Tensor, name: str, operation: str, array: NDArray[np.int64]) -> Layer:
    return Layer(
        name=name,
        operation=operation,
        shape=tensor.shape,
        type=tensor.type,
        scale=tensor.scale[0] if len(tensor.scale) == 1 else None,
        zero_point=tensor.zero_point,
        values=tuple(array.reshape(-1).tolist()),
    )


def _size(graph: Graph) -> int:
    return sum(graph.tensors[node.output].size for node in graph.nodes)
