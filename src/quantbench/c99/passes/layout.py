"""From a graph to steps on memory: the layout of tensors, and what lies where.

Images lie as [H, W, C]. A tensor's order says which value, counted in ONNX's [C, H, W], lies at
each place; a Reshape only changes the order, and a Dense behind it takes it up in its weights.
Where an order can't be taken up, an Arrange moves the values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.reader import shown
from quantbench.c99.ir.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Graph,
    GraphOf,
    Node,
    Pad,
    Pool,
    Rescale,
    Reshape,
    Tensor,
    Type,
)
from quantbench.c99.passes.memory import Life, offsets
from quantbench.c99.passes.ties import mark_ties
from quantbench.c99.passes.to_uint8 import unsigned
from quantbench.errors import CompileError

Order = NDArray[np.int64]
_MOST_ARRANGED = 2**22
BYTES: dict[Type, int] = {"uint8": 1, "int8": 1, "int32": 4, "float32": 4}
N = TypeVar("N")
W = TypeVar("W")


@dataclass(frozen=True, eq=False)
class Arrange:
    """The value at place i of the output is that at `index[i]` of the input."""

    name: str
    index: Order


Work = Conv | Dense | Pool | Add | Rescale | Concat | Pad


@dataclass(frozen=True)
class Place:
    """Of a tensor: its memory as a C expression, its shape [C, H, W] or [K], its zero point."""

    at: str
    shape: tuple[int, ...]
    type: Type
    zero_point: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def bytes(self) -> int:
        return self.size * BYTES[self.type]


@dataclass(frozen=True, eq=False)
class StepOf(Generic[W]):
    """Weights of a Conv lie as [O, kh, kw, I / groups], of a Dense in the order of its input."""

    identifier: str
    work: W
    inputs: tuple[Place, ...]
    output: Place


@dataclass(frozen=True)
class PlanOf(Generic[N, W]):
    """`graph`: of integers, the unsigned one. `scratch`: bytes beyond input and output."""

    graph: GraphOf[N]
    steps: tuple[StepOf[W | Arrange], ...]
    input: Place
    output: Place
    scratch: int


Step = StepOf[Work | Arrange]
Plan = PlanOf[Node, Work]


def natural(shape: tuple[int, ...]) -> Order:
    """The order of an image is [H, W, C]; a vector's is its own."""
    flat = np.arange(int(np.prod(shape)), dtype=np.int64)
    return flat.reshape(shape).transpose(1, 2, 0).ravel() if len(shape) == 3 else flat


def plan(graph: Graph) -> Plan:
    """Raises CompileError for a layer that unsigned tensors make too large for 32 bits."""
    graph = mark_ties(unsigned(graph))
    draft = Draft[Node, Work](graph)
    for node in graph.nodes:
        _add(draft, node)
    return draft.finished()


@dataclass(frozen=True)
class _Value:
    """A tensor in a buffer; several tensors may share one."""

    buffer: int
    order: Order


@dataclass(frozen=True)
class _Move(Generic[W]):
    work: W
    inputs: tuple[tuple[int, Tensor], ...]
    output: tuple[int, Tensor]


@dataclass
class Draft(Generic[N, W]):
    """Buffer 0 is the input, the last one made is the output. `unit`: bytes of what the scratch
    memory is counted in.
    """

    graph: GraphOf[N]
    unit: int = 1
    values: dict[str, _Value] = field(default_factory=dict)
    orders: dict[tuple[int, ...], Order] = field(default_factory=dict)
    """The natural ones, by shape: made once, for an order takes 8 times its tensor's memory."""
    sizes: list[int] = field(default_factory=list)
    moves: list[_Move[W | Arrange]] = field(default_factory=list)
    arranged: int = 0
    """Places that an Arrange has, in all: each is a constant."""

    def __post_init__(self) -> None:
        tensor = self.graph.tensors[self.graph.input]
        self.values[self.graph.input] = _Value(self.buffer(tensor), self.natural(tensor.shape))

    def natural(self, shape: tuple[int, ...]) -> Order:
        if shape not in self.orders:
            self.orders[shape] = natural(shape)
        return self.orders[shape]

    def buffer(self, tensor: Tensor) -> int:
        self.sizes.append(tensor.size * BYTES[tensor.type])
        return len(self.sizes) - 1

    def move(self, work: W, inputs: tuple[str, ...], output: str, order: Order) -> None:
        tensor, buffer = self.graph.tensors[output], self.buffer(self.graph.tensors[output])
        sources = tuple((self.values[name].buffer, self.graph.tensors[name]) for name in inputs)
        self.moves.append(_Move(work, sources, (buffer, tensor)))
        self.values[output] = _Value(buffer, order)

    def reshape(self, node: Reshape) -> None:
        """An image of another shape lies as images do, a vector as it was."""
        shape = self.graph.tensors[node.output].shape
        self.values[node.output] = self.values[node.input]
        if len(shape) == 3:
            self.require(node.output, self.natural(shape))

    def alike(self, names: tuple[str, str], shape: tuple[int, ...]) -> Order:
        """The order in which two tensors lie, arranged where they differ."""
        one, other = (self.values[name].order for name in names)
        if one is not other and not np.array_equal(one, other):
            for name in names:
                self.require(name, self.natural(shape))
        return self.values[names[0]].order

    def joined(self, names: tuple[str, ...], shape: tuple[int, ...]) -> Order:
        """Of a concatenation: vectors keep their order one behind the other."""
        if len(shape) == 3:
            return self.natural(shape)
        begin, parts = 0, []
        for name in names:
            parts.append(self.values[name].order + begin)
            begin += len(parts[-1])
        return np.concatenate(parts)

    def require(self, name: str, order: Order) -> None:
        """The tensor in this order from here on: a copy where it has another."""
        value = self.values[name]
        if value.order is not order and not np.array_equal(value.order, order):
            self._arrange(name, np.argsort(value.order)[order], order)

    def _arrange(self, name: str, index: Order, order: Order) -> None:
        tensor, source = self.graph.tensors[name], self.values[name].buffer
        self.arranged += len(index)
        if self.arranged > _MOST_ARRANGED:
            raise CompileError(
                f"{shown(name)}: its values lie in another order than they are read in, and up to "
                f"{_MOST_ARRANGED:,} places of a network may be moved"
            )
        buffer = self.buffer(tensor)
        self.moves.append(_Move(Arrange(name, index), ((source, tensor),), (buffer, tensor)))
        self.values[name] = _Value(buffer, order)

    def _end(self) -> None:
        """The output in its natural order, in a buffer of its own that nothing else reads."""
        name = self.graph.output
        value = self.values[name]
        order = self.natural(self.graph.tensors[name].shape)
        read = any(value.buffer == one for move in self.moves for one, _ in move.inputs)
        last = value.buffer == len(self.sizes) - 1
        if value.buffer == 0 or read or not last or not np.array_equal(value.order, order):
            self._arrange(name, np.argsort(value.order)[order], order)

    def finished(self) -> PlanOf[N, W]:
        self._end()
        last = self.values[self.graph.output].buffer
        offsets, scratch = self._scratch(last)
        inside = [f"scratch + {offset // self.unit}" for offset in offsets]
        places = ["input", *inside[:-1], "output"] if last else ["input"]
        steps = tuple(
            StepOf(
                f"l{number}",
                move.work,
                tuple(_place(places[buffer], tensor) for buffer, tensor in move.inputs),
                _place(places[move.output[0]], move.output[1]),
            )
            for number, move in enumerate(self.moves)
        )
        ends = (self.graph.tensors[name] for name in (self.graph.input, self.graph.output))
        into, out = (_place(at, one) for at, one in zip(("input", "output"), ends, strict=True))
        return PlanOf(self.graph, steps, into, out, scratch)

    def _scratch(self, last: int) -> tuple[list[int], int]:
        """Input and output take no room in it."""
        first, final = [0] * len(self.sizes), [0] * len(self.sizes)
        for number, move in enumerate(self.moves):
            first[move.output[0]] = number  # a buffer is made once, before it is read
            for buffer in (move.output[0], *(one for one, _ in move.inputs)):
                final[buffer] = number
        lives = [
            Life(0 if buffer == last else self.sizes[buffer], first[buffer], final[buffer])
            for buffer in range(1, len(self.sizes))
        ]
        return offsets(lives)


def _place(at: str, tensor: Tensor) -> Place:
    return Place(at, tensor.shape, tensor.type, tensor.zero_point)


def _add(draft: Draft[Node, Work], node: Node) -> None:
    shape = draft.graph.tensors[node.output].shape
    match node:
        case Reshape():
            draft.reshape(node)
        case Conv():
            work: Work = replace(node, weights=node.weights.transpose(0, 2, 3, 1))
            draft.move(work, (node.input,), node.output, draft.natural(shape))
        case Dense():
            work = replace(node, weights=node.weights[:, draft.values[node.input].order])
            draft.move(work, (node.input,), node.output, draft.natural(shape))
        case Pool() | Pad():
            draft.move(node, (node.input,), node.output, draft.natural(shape))
        case Rescale():
            order = draft.values[node.input].order
            draft.move(_rescale(node, shape, order), (node.input,), node.output, order)
        case Add():
            draft.move(node, node.inputs, node.output, draft.alike(node.inputs, shape))
        case Concat():
            draft.move(node, node.inputs, node.output, draft.joined(node.inputs, shape))


def _rescale(node: Rescale, shape: tuple[int, ...], order: Order) -> Rescale:
    """Multipliers stand by the place of their value."""
    many = node.requantize.multipliers
    if len(many) == 1 or len(shape) == 3:
        return node
    moved = replace(node.requantize, multipliers=tuple(many[at] for at in order))
    return replace(node, requantize=moved)
