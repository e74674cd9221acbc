"""Run a float and a quantized ONNX graph side by side, watched where layers end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import onnx
from numpy.typing import NDArray

from quantbench.c99.check.evaluator import unoptimized
from quantbench.explain.error.onnx_pairs import Ends, Pairing
from quantbench.explain.error.onnx_points import Point, cut, given_to, watching
from quantbench.export.onnx_graph import Graph
from quantbench.samples.records import Arrays
from quantbench.system.machine import cores

Array: TypeAlias = NDArray[Any]
Values: TypeAlias = Mapping[str, Array]
"""Tensor -> its array [N, ...]."""


@dataclass(frozen=True)
class Graphs:
    """A quantized graph and the float graph that it is compared with."""

    quantized: onnx.ModelProto
    float32: onnx.ModelProto
    pairing: Pairing
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Seen:
    """The outputs of layers for one batch, by point: float32's, and those of the quantized graph.

    `given`: with all before it; `made`: where each layer is fed with float32's values. Both are
    integers where the point has a format.
    """

    float32: Mapping[Point, Array]
    given: Mapping[Point, Array]
    made: Mapping[Point, Array]


class Runs:
    """The graphs, ready to tell the outputs of some of their layers.

    Nothing is optimized: ONNX Runtime's fused operators round elsewhere than the file says.
    """

    def __init__(self, graphs: Graphs, group: Sequence[Point]) -> None:
        self._group = group
        watched = [point.watched for point in group]
        alone, needed = _needed(cut(graphs.quantized, graphs.points), watched, graphs.points)
        self._needed = needed
        wanted = [point.pair.float_name for point in (*group, *needed)]
        self._float32 = _Run(graphs.float32, wanted)
        self._quantized = _Run(graphs.quantized, watched)
        self._alone = _Run(alone, watched)

    def float32(self, inputs: Arrays) -> Mapping[Point, Array]:
        """The outputs of float32's layers alone."""
        values = self._float32.values(self._float32.feeds(inputs))
        return {point: values[point.pair.float_name] for point in self._group}

    def all(self, inputs: Arrays) -> Seen:
        """The outputs of the layers of both graphs."""
        real = self._float32.values(self._float32.feeds(inputs))
        given = self._quantized.values(self._quantized.feeds(inputs))
        fed = {given_to(point): real[point.pair.float_name] for point in self._needed}
        made = self._alone.values(self._quantized.feeds(inputs) | fed)
        return Seen(
            {point: real[point.pair.float_name] for point in self._group},
            {point: given[point.watched] for point in self._group},
            {point: made[point.watched] for point in self._group},
        )


def compared(graphs: Graphs, inputs: Arrays) -> tuple[Graphs, list[int]]:
    """The graphs with those points whose tensors have one shape in both, and their sizes.

    A tensor that a quantizer has reshaped can't be compared number by number.
    """
    real = _Run(graphs.float32, [point.pair.float_name for point in graphs.points])
    given = _Run(graphs.quantized, [point.watched for point in graphs.points])
    expected, found = (run.values(run.feeds(inputs)) for run in (real, given))
    alike = [
        point
        for point in graphs.points
        if expected[point.pair.float_name].shape == found[point.watched].shape
    ]
    sizes = [expected[point.pair.float_name].size for point in alike]
    return replace(graphs, points=tuple(alike)), sizes


class _Run:
    def __init__(self, model: onnx.ModelProto, watched: Sequence[str]) -> None:
        self._inputs = Ends(model).inputs
        self._watched = [n for n in dict.fromkeys(watched) if n not in self._inputs]
        self._run = None
        if self._watched:
            self._run = unoptimized(watching(model, self._watched), cores())

    def feeds(self, inputs: Arrays) -> dict[str, Array]:
        """The network's inputs by their names."""
        return dict(zip(self._inputs, inputs, strict=True))

    def values(self, feeds: Mapping[str, Array]) -> Values:
        """The watched tensors, and the inputs themselves."""
        if self._run is None:
            return feeds
        read = {name: feeds[name] for name in self._inputs}
        return {**feeds, **dict(zip(self._watched, self._run(read), strict=True))}


def _needed(
    model: onnx.ModelProto, watched: Sequence[str], points: Sequence[Point]
) -> tuple[onnx.ModelProto, list[Point]]:
    """The part of a cut graph that some tensors depend on, and the points that it is given."""
    graph = Graph(model.graph)
    waiting, reached, used = [*watched], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        node = graph.producer(name)
        if node is not None:
            used.add(node.output[0])
            waiting.extend(node.input)
    part = onnx.ModelProto()
    part.CopyFrom(model)
    for field, kept in (
        (part.graph.node, [n for n in part.graph.node if n.output[0] in used]),
        (part.graph.input, [v for v in part.graph.input if v.name in reached]),
        (part.graph.initializer, [t for t in part.graph.initializer if t.name in reached]),
    ):
        copies = [type(value).FromString(value.SerializeToString()) for value in kept]
        del field[:]
        field.extend(copies)
    return part, [point for point in points if given_to(point) in reached]


def channel_axis(point: Point, values: Array, *, convolves: bool) -> int:
    """The axis of the channels in a layer's output.

    It is the last of what a matrix product gives, and of sequences [N, T, F] in a network without
    convolutions; else the second.
    """
    product = point.head is not None and point.head.op_type in ("MatMul", "Gemm")
    if product or (values.ndim == 3 and not convolves):
        return max(values.ndim - 1, 0)
    return 1
