"""Memory layout: the order of each tensor's values, and its place in memory, as a list of steps.

Images lie as [H, W, C]. A tensor's order says which value, counted in ONNX's [C, H, W], lies at
each position; a Reshape only changes the order, and a Dense behind it permutes its weights to
match. Where a node can't adapt to an order, a Permute moves the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from quantbench.c99.ir.graph import BYTES, Graph, Node, Order, Place, Plan, Shape, Step, Tensor
from quantbench.c99.nodes.permute import Permute
from quantbench.c99.nodes.rearrange import Rearrange
from quantbench.c99.nodes.reshape import Reshape
from quantbench.c99.passes.memory import LiveRange, offsets
from quantbench.c99.passes.moves import joined_moves
from quantbench.c99.passes.proved import prove
from quantbench.c99.passes.ties import mark_ties
from quantbench.c99.passes.to_uint8 import to_uint8
from quantbench.errors import CompileError

_MAX_PERMUTED = 2**22


def nhwc_order(shape: Shape) -> Order:
    """The memory order of an image, [H, W, C], or of a signal, [L, C]; a vector keeps its order."""
    flat = np.arange(int(np.prod(shape)), dtype=np.int64)
    return np.moveaxis(flat.reshape(shape), 0, -1).ravel()


def plan(graph: Graph) -> Plan:
    """Lay out a graph, with all int8 tensors held as uint8.

    Raises CompileError for a layer whose sums exceed 32 bits with unsigned tensors, and where the
    values to be permuted are too many.
    """
    draft = _Draft(prove(joined_moves(mark_ties(to_uint8(graph)))))
    for node in draft.graph.nodes:
        draft.append(node)
    return draft.finished()


@dataclass(frozen=True)
class _Value:
    """The buffer that holds a tensor, and the tensor's order in it; tensors may share a buffer."""

    buffer: int
    order: Order


@dataclass(frozen=True)
class _Move:
    work: Node
    inputs: tuple[tuple[int, Tensor], ...]
    """The buffer and the tensor of each input."""
    output: tuple[int, Tensor]
    order: Order


@dataclass
class _Draft:
    """The steps under construction. The first buffers are the inputs."""

    graph: Graph
    values: dict[str, _Value] = field(default_factory=dict)
    orders: dict[Shape, Order] = field(default_factory=dict)
    """Shape of an image -> its order, computed once: it takes 8 times its tensor's memory."""
    sizes: list[int] = field(default_factory=list)
    moves: list[_Move] = field(default_factory=list)
    permuted: int = 0
    """The indices of all Permutes together: each is stored as a constant."""

    def __post_init__(self) -> None:
        for name in self.graph.inputs:
            tensor = self.graph.tensors[name]
            self.values[name] = _Value(self.buffer(tensor), self.nhwc(tensor.shape))

    def nhwc(self, shape: Shape) -> Order:
        if shape not in self.orders:
            self.orders[shape] = nhwc_order(shape)
        return self.orders[shape]

    def buffer(self, tensor: Tensor) -> int:
        self.sizes.append(tensor.size * BYTES[tensor.type])
        return len(self.sizes) - 1

    def append(self, node: Node) -> None:
        laid = node.layout(
            self.graph, tuple(self.values[name].order for name in node.reads), self.nhwc
        )
        if isinstance(node, Reshape):
            self.values[node.output] = self.values[node.input]
            self.require(node.output, laid.output)
            return
        if isinstance(laid.work, Rearrange) and _identical(laid.work.index, laid.inputs[0]):
            self.values[node.output] = _Value(self.values[laid.work.input].buffer, laid.output)
            return
        for name, order in zip(node.reads, laid.inputs, strict=True):
            self.require(name, order)
        tensor = self.graph.tensors[node.output]
        buffer = self.buffer(tensor)
        sources = tuple((self.values[name].buffer, self.graph.tensors[name]) for name in node.reads)
        self.moves.append(_Move(laid.work, sources, (buffer, tensor), laid.output))
        self.values[node.output] = _Value(buffer, laid.output)

    def require(self, name: str, order: Order) -> None:
        """The tensor in this order from here on: a copy where it has another."""
        value = self.values[name]
        if value.order is not order and not np.array_equal(value.order, order):
            self.permute(name, order)

    def permute(self, name: str, order: Order) -> None:
        tensor, value = self.graph.tensors[name], self.values[name]
        index = np.argsort(value.order)[order]
        self.permuted += len(index)
        if self.permuted > _MAX_PERMUTED:
            raise CompileError(
                f"{name}: its values lie in another order than they are read in, and up to "
                f"{_MAX_PERMUTED:,} places of a network may be moved"
            )
        buffer = self.buffer(tensor)
        work = Permute(name, name, name, index)
        self.moves.append(_Move(work, ((value.buffer, tensor),), (buffer, tensor), order))
        self.values[name] = _Value(buffer, order)

    def end(self, name: str, taken: set[int]) -> int:
        """The output as images lie, in a buffer of its own that nothing else reads: its number.

        `taken`: the buffers of the outputs before it.
        """
        value = self.values[name]
        order = self.nhwc(self.graph.tensors[name].shape)
        read = any(value.buffer == source for move in self.moves for source, _ in move.inputs)
        foreign = value.buffer < len(self.graph.inputs) or value.buffer in taken
        if foreign or read or not np.array_equal(value.order, order):
            self.permute(name, order)
        return self.values[name].buffer

    def finished(self) -> Plan:
        last: dict[int, str] = {}
        for number, name in enumerate(self.graph.outputs):
            last[self.end(name, {*last})] = end_name("output", number, self.graph.outputs)
        starts, scratch = self.in_scratch({*last})
        inputs = [end_name("input", number, self.graph.inputs)
                  for number in range(len(self.graph.inputs))]  # fmt: skip
        unit = BYTES[self.graph.tensors[self.graph.input].type]  # bytes of an element of scratch
        inside = [f"scratch + {start // unit}" for start in starts]
        places = [last.get(at, place) for at, place in enumerate([*inputs, *inside])]
        steps = tuple(
            Step(
                f"l{number}",
                move.work,
                tuple(_place(places[buffer], tensor) for buffer, tensor in move.inputs),
                _place(places[move.output[0]], move.output[1]),
                move.order,
            )
            for number, move in enumerate(self.moves)
        )
        ends = (zip(names, tensors, strict=True) for names, tensors in (
            (inputs, self.graph.inputs), ([*last.values()], self.graph.outputs)
        ))  # fmt: skip
        given, answers = (
            tuple(_place(at, self.graph.tensors[name]) for at, name in pairs) for pairs in ends
        )
        return Plan(self.graph, steps, given, answers, scratch)

    def in_scratch(self, last: set[int]) -> tuple[list[int], int]:
        """The begin of each buffer but the inputs, and the bytes of all: `last`, the outputs, take
        none.
        """
        first, final = [0] * len(self.sizes), [0] * len(self.sizes)
        for number, move in enumerate(self.moves):
            first[move.output[0]] = number  # a buffer is written once, before it is read
            for buffer in (move.output[0], *(source for source, _ in move.inputs)):
                final[buffer] = number
        ranges = [
            LiveRange(0 if buffer in last else self.sizes[buffer], first[buffer], final[buffer])
            for buffer in range(len(self.graph.inputs), len(self.sizes))
        ]
        return offsets(ranges)


def end_name(end: str, number: int, all: Sequence[str]) -> str:
    """The name of an input or output in C: `input`, or `input_0` and so on of several."""
    return f"{end}_{number}" if len(all) > 1 else end


def _identical(index: Order, input: Order) -> bool:
    """Whether the values lie already where a Rearrange would put them."""
    return len(index) == len(input) and bool((index == np.arange(len(index))).all())


def _place(at: str, tensor: Tensor) -> Place:
    return Place(at, tensor.shape, tensor.type, tensor.zero_point, tensor.raised)
