"""From the integer graph to steps on memory: the layout of tensors, and what lies where.

Images lie as [H, W, C]. A tensor's order says which value, counted in ONNX's [C, H, W], lies at
each place; a Reshape only changes the order, and a Dense behind it takes it up in its weights.
Where an order can't be taken up, an Arrange moves the values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.graph import (
    Add,
    Concat,
    Conv,
    Dense,
    Graph,
    Node,
    Pad,
    Pool,
    Rescale,
    Reshape,
    Tensor,
    Type,
)
from quantbench.c99.memory import Life, offsets
from quantbench.c99.unsigned import unsigned

Order = NDArray[np.int64]
BYTES: dict[Type, int] = {"uint8": 1, "int8": 1, "int32": 4}


@dataclass(frozen=True, eq=False)
class Arrange:
    """The value at place i of the output is that at `index[i]` of the input."""

    name: str
    index: Order


Work = Conv | Dense | Pool | Add | Rescale | Concat | Pad | Arrange


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
class Step:
    """Weights of a Conv lie as [O, kh, kw, I / groups], of a Dense in the order of its input."""

    identifier: str
    work: Work
    inputs: tuple[Place, ...]
    output: Place


@dataclass(frozen=True)
class Plan:
    """`graph` is the unsigned one. `scratch`: bytes, of any alignment, beyond input and output."""

    graph: Graph
    steps: tuple[Step, ...]
    input: Place
    output: Place
    scratch: int


def natural(shape: tuple[int, ...]) -> Order:
    """The order of an image is [H, W, C]; a vector's is its own."""
    flat = np.arange(int(np.prod(shape)), dtype=np.int64)
    return flat.reshape(shape).transpose(1, 2, 0).ravel() if len(shape) == 3 else flat


def plan(graph: Graph) -> Plan:
    """Raises CompileError for a layer that unsigned tensors make too large for 32 bits."""
    graph = unsigned(graph)
    draft = _Draft(graph)
    for node in graph.nodes:
        _add(draft, node)
    _end(draft)
    return draft.finished()


@dataclass(frozen=True)
class _Value:
    """A tensor in a buffer; several tensors may share one."""

    buffer: int
    order: Order


@dataclass(frozen=True)
class _Move:
    work: Work
    inputs: tuple[tuple[int, Tensor], ...]
    output: tuple[int, Tensor]


@dataclass
class _Draft:
    """Buffer 0 is the input, the last one made is the output."""

    graph: Graph
    values: dict[str, _Value] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    moves: list[_Move] = field(default_factory=list)

    def __post_init__(self) -> None:
        tensor = self.graph.tensors[self.graph.input]
        self.values[self.graph.input] = _Value(self.buffer(tensor), natural(tensor.shape))

    def buffer(self, tensor: Tensor) -> int:
        self.sizes.append(tensor.size * BYTES[tensor.type])
        return len(self.sizes) - 1

    def move(self, work: Work, inputs: tuple[str, ...], output: str, order: Order) -> None:
        tensor, buffer = self.graph.tensors[output], self.buffer(self.graph.tensors[output])
        sources = tuple((self.values[name].buffer, self.graph.tensors[name]) for name in inputs)
        self.moves.append(_Move(work, sources, (buffer, tensor)))
        self.values[output] = _Value(buffer, order)

    def arrange(self, name: str, order: Order) -> None:
        """The tensor in another order from here on, or where it can't be aliased, a copy."""
        tensor, value = self.graph.tensors[name], self.values[name]
        index = np.argsort(value.order)[order]
        buffer = self.buffer(tensor)
        work = Arrange(name, index)
        self.moves.append(_Move(work, ((value.buffer, tensor),), (buffer, tensor)))
        self.values[name] = _Value(buffer, order)

    def finished(self) -> Plan:
        last = self.values[self.graph.output].buffer
        places = self._places(last)
        steps = tuple(
            Step(
                f"l{number}",
                move.work,
                tuple(_place(places[buffer], tensor) for buffer, tensor in move.inputs),
                _place(places[move.output[0]], move.output[1]),
            )
            for number, move in enumerate(self.moves)
        )
        ends = (self.graph.tensors[name] for name in (self.graph.input, self.graph.output))
        into, out = (_place(at, one) for at, one in zip(("input", "output"), ends, strict=True))
        return Plan(self.graph, steps, into, out, self._scratch(last)[1])

    def _places(self, last: int) -> list[str]:
        at, _ = self._scratch(last)
        inside = [f"scratch + {offset}" for offset in at]
        return ["input", *inside[:-1], "output"] if last else ["input"]

    def _scratch(self, last: int) -> tuple[list[int], int]:
        """Input and output take no room in it."""
        lives = []
        for buffer in range(1, len(self.sizes)):
            uses = [
                number
                for number, move in enumerate(self.moves)
                if buffer in (move.output[0], *(one for one, _ in move.inputs))
            ]
            size = 0 if buffer == last else self.sizes[buffer]
            lives.append(Life(size, min(uses), max(uses)))
        return offsets(lives)


def _place(at: str, tensor: Tensor) -> Place:
    return Place(at, tensor.shape, tensor.type, tensor.zero_point)


def _add(draft: _Draft, node: Node) -> None:
    shape = draft.graph.tensors[node.output].shape
    match node:
        case Reshape():
            draft.values[node.output] = draft.values[node.input]
            if len(shape) == 3:
                _require(draft, node.output, natural(shape))
        case Conv():
            work: Work = replace(node, weights=node.weights.transpose(0, 2, 3, 1))
            draft.move(work, (node.input,), node.output, natural(shape))
        case Dense():
            work = replace(node, weights=node.weights[:, draft.values[node.input].order])
            draft.move(work, (node.input,), node.output, natural(shape))
        case Pool() | Pad():
            draft.move(node, (node.input,), node.output, natural(shape))
        case Rescale():
            order = draft.values[node.input].order
            draft.move(_rescale(node, shape, order), (node.input,), node.output, order)
        case Add():
            one, other = (draft.values[name].order for name in node.inputs)
            if not np.array_equal(one, other):
                for name in node.inputs:
                    _require(draft, name, natural(shape))
            draft.move(node, node.inputs, node.output, draft.values[node.inputs[0]].order)
        case Concat():
            order = _joined(draft, node) if len(shape) == 1 else natural(shape)
            draft.move(node, node.inputs, node.output, order)


def _rescale(node: Rescale, shape: tuple[int, ...], order: Order) -> Rescale:
    """Multipliers stand by the place of their value."""
    many = node.requantize.multipliers
    if len(many) == 1 or len(shape) == 3:
        return node
    moved = replace(node.requantize, multipliers=tuple(many[at] for at in order))
    return replace(node, requantize=moved)


def _joined(draft: _Draft, node: Concat) -> Order:
    begin, parts = 0, []
    for name in node.inputs:
        parts.append(draft.values[name].order + begin)
        begin += len(parts[-1])
    return np.concatenate(parts)


def _require(draft: _Draft, name: str, order: Order) -> None:
    if not np.array_equal(draft.values[name].order, order):
        draft.arrange(name, order)


def _end(draft: _Draft) -> None:
    """The output in its natural order, in a buffer of its own that nothing else reads."""
    name = draft.graph.output
    value = draft.values[name]
    order = natural(draft.graph.tensors[name].shape)
    read = any(value.buffer == one for move in draft.moves for one, _ in move.inputs)
    last = value.buffer == len(draft.sizes) - 1
    if value.buffer == 0 or read or not last or not np.array_equal(value.order, order):
        draft.arrange(name, order)
