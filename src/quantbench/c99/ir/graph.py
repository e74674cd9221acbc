"""The graph that is compiled: tensors that carry their number format, and nodes between them.

Tensors are of one sample, without the batch, in ONNX's order [C, H, W]; how they lie in memory is
decided by passes/layout.py. Nodes stand in an order in which each tensor is computed before it is
read. A kind of node is a subclass of Node, in a file of nodes/ or, where one operator alone makes
it, in that operator's file of ops/.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.code import Code
from quantbench.numerics.fixed_point import Multiplier

Type = Literal["uint8", "int8", "int32", "float32"]
Shape = tuple[int, ...]
"""[C, H, W], or [K] of a vector; never with the batch."""
Values = NDArray[Any]
"""[N, *shape]: int64 of a tensor of integers, float64 of a tensor of float32."""
Reals = NDArray[np.float64]
Order = NDArray[np.int64]
"""Which value, counted in ONNX's order [C, H, W], lies at each place of memory."""
Orders = tuple[Order, ...]
"""The order of each input of a node."""
ImageOrder = Callable[[Shape], Order]
"""The order in which an image of a shape lies."""
Tensors = Mapping[str, Values]
"""Arrays of tensors, by the tensors' names."""
LIMITS: dict[Type, tuple[int, int]] = {
    "uint8": (0, 255),
    "int8": (-128, 127),
    "int32": (-(2**31), 2**31 - 1),
}
BYTES: dict[Type, int] = {"uint8": 1, "int8": 1, "int32": 4, "float32": 4}


@dataclass(frozen=True)
class Tensor:
    """Integers q stand for the real numbers scale * (q - zero_point); float32 has the scale 1."""

    name: str
    shape: Shape
    type: Type
    scale: tuple[float, ...]
    """One for all, or one for each channel."""
    zero_point: int = 0

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def to_unsigned(self) -> int:
        """The number that is added to int8 to hold it as uint8; 0 for every other type."""
        return 128 if self.type == "int8" else 0


@dataclass(frozen=True)
class Window:
    """The window of a convolution or a pooling. `pads` are top, left, bottom, right."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Requantization:
    """The rounding to an output tensor's integers.

    They are zero_point + round(acc * m 2**-s), half to even, in [low, high]. One multiplier, or
    one for each output channel.
    """

    multipliers: tuple[Multiplier, ...]
    zero_point: int
    low: int
    high: int
    ties: bool = True
    """False where it is proved that half up gives the same: see passes/ties.py."""

    def plus(self, offset: int) -> Requantization:
        """The same with `offset` added to every result."""
        return replace(
            self,
            zero_point=self.zero_point + offset,
            low=self.low + offset,
            high=self.high + offset,
        )


@dataclass(frozen=True)
class Pooling:
    """A pooling that is fused behind a convolution, of accumulators."""

    kind: Literal["average", "max"]
    window: Window
    """Without pads: a pooling with pads is a node by itself."""


@dataclass(frozen=True)
class Place:
    """A tensor in memory: its C expression, its shape, its type and its zero point."""

    at: str
    shape: Shape
    type: Type
    zero_point: int

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def bytes(self) -> int:
        return self.size * BYTES[self.type]


@dataclass(frozen=True, eq=False)
class Laid:
    """A node laid out: the same node with its constants in the order of memory, the orders in
    which it reads its inputs, and the order of its output.
    """

    work: Node
    inputs: tuple[Order, ...]
    output: Order


class Node(ABC):
    """One operation. Subclasses are frozen dataclasses; the methods are all that passes and
    checks ask of a node, so that a new kind is one new class.
    """

    name: str
    """The node of the ONNX file, for messages and comments."""
    output: str

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The names of the tensors that it reads."""

    @property
    def rounds(self) -> bool:
        """Whether it computes new numbers; False where it only moves those that there are."""
        return True

    @abstractmethod
    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        """Its output [N, *shape] for the tensors before it: exact for integers (the authority
        for the C code), in float64 for float32.
        """

    @abstractmethod
    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        """A bound of what float32 may be off at each output: see ir/error_bounds.py."""

    @abstractmethod
    def excess(self, graph: Graph, values: Tensors) -> Reals:
        """How far each integer may be off the ONNX file's number beyond the half step that
        rounding takes, in steps of the output: see check/tolerance.py.
        """

    def carried(self, graph: Graph, before: Tensors) -> Reals:  # noqa: ARG002
        """The excess of a node whose inputs are off by `before` already. Raises ValueError for
        a node that computes with them: only moving, joining and clamping carry it through.
        """
        raise ValueError(f"{self.name}: it computes with values that nothing rounded")

    def to_uint8(self, graph: Graph) -> Node:  # noqa: ARG002
        """The same node where all int8 tensors of `graph` are held as uint8, 128 higher."""
        return self

    def mark_ties(self, graph: Graph) -> Node:  # noqa: ARG002
        """The same node, with `ties` False where half up and half to even can't differ."""
        return self

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """How it reads inputs that lie in `orders`: as they lie, unless a subclass says more."""
        return Laid(self, orders, nhwc(graph.tensors[self.output].shape))

    @abstractmethod
    def emit(self, step: Step) -> Code:
        """The portable C of a step whose work it is: `step.work` is this node, laid out."""

    @abstractmethod
    def describe(self) -> list[str]:
        """Its operations in words, part by part: `5x5 conv`, `ReLU`, `2x2 average pool`."""

    @property
    def weight_type(self) -> str | None:
        """The type of integer weights in C; None where it has none."""
        return None

    def macs(self, output: Tensor) -> int:  # noqa: ARG002
        """Multiply-adds of one sample."""
        return 0

    def workspace(self, graph: Graph) -> int:  # noqa: ARG002
        """Numbers that it holds of one sample beside its input and output."""
        return 0


class OneInput(Node):
    """A node that reads one tensor."""

    input: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.input,)


@dataclass(frozen=True, eq=False)
class Step:
    """A node with the memory that it reads and writes; `identifier` is its name in C."""

    identifier: str
    work: Node
    inputs: tuple[Place, ...]
    output: Place


@dataclass(frozen=True)
class Origin:
    """A tensor of the ONNX file whose values a tensor of the graph holds: integers, or the real
    numbers that 32-bit accumulators stand for.
    """

    name: str
    shape: Shape
    """The order of values is the same."""
    slack: float = 0.0
    """How far dropped roundings may have moved a value before the last one, in real numbers."""
    moved: tuple[float, ...] = ()
    """How far the coarser integers of some channels may, by channel; () where there are none."""


@dataclass(frozen=True)
class Graph:
    """A network of integers or of float32. `softmax`: one follows the output, computed in float
    outside of the graph. `origins`: by tensor, where its values are found in the ONNX file.
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    input: str
    output: str
    softmax: bool = False
    origins: dict[str, tuple[Origin, ...]] = field(default_factory=dict)
    own_input: Type | None = None
    """The type of the integers that the ONNX network itself takes; None: float32."""
    own_output: Type | None = None
    """The type of the integers that the ONNX network itself gives; None: float32."""
    rounded: Tensor | None = None
    """The integers to which the file rounds a Softmax's result."""

    @property
    def is_float32(self) -> bool:
        """Whether its tensors are float32; a network of integers has none."""
        return self.tensors[self.input].type == "float32"


@dataclass(frozen=True)
class Plan:
    """A graph laid out. `graph`: the one that is computed, without int8. `scratch`: bytes beyond
    input and output.
    """

    graph: Graph
    steps: tuple[Step, ...]
    input: Place
    output: Place
    scratch: int

    def macs(self, step: Step) -> int:
        """Multiply-adds of a step, of one sample."""
        return step.work.macs(self.graph.tensors[step.work.output])


def ends(graph: Graph) -> tuple[Tensor, Tensor]:
    """Input and output as the ONNX network has them: scale 1 where it has integers itself."""
    own_output = None if graph.softmax else graph.own_output
    return _end(graph, graph.input, graph.own_input), _end(graph, graph.output, own_output)


def _end(graph: Graph, name: str, own: Type | None) -> Tensor:
    tensor = graph.tensors[name]
    if own is None:
        return tensor
    zero_point = LIMITS[tensor.type][0] - LIMITS[own][0]  # of int8 that is held as uint8
    return replace(tensor, scale=(1.0,), zero_point=zero_point)


def last_reads(graph: Graph) -> list[set[str]]:
    """The tensors, for each node, that neither a later node nor the output of the network needs."""
    wanted, last = {graph.output}, []
    for node in reversed(graph.nodes):
        reads = {*node.reads}
        last.append((reads | {node.output}) - wanted)
        wanted |= reads
    return last[::-1]
