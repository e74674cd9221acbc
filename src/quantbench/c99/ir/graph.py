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
from quantbench.c99.ir.short_forms import NOTHING_PROVED, ShortForms
from quantbench.numerics.fixed_point import Multiplier

Type = Literal["uint8", "int8", "int32", "float32"]
Final = Literal["softmax", "sigmoid", "argmax"]
"""A function at the end of a network that is left to the caller."""
Shape = tuple[int, ...]
"""[C, H, W], [C, L] of a signal, or [K] of a vector; never with the batch."""
Values = NDArray[Any]
"""[N, *shape]: int64 of a tensor of integers, float64 of a tensor of float32."""
Reals = NDArray[np.float64]
Order = NDArray[np.int64]
"""The index, in ONNX's order [C, H, W], of the value at each position in memory."""
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


def image_shape(shape: Shape) -> Shape:
    """The shape in which layers see a tensor: a signal [C, L] is an image of one row, [C, 1, L]."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph: integers q stand for scale * (q - zero_point); float32 has scale 1."""

    name: str
    shape: Shape
    type: Type
    scale: tuple[float, ...]
    """The scales: one for all values, or one for each channel."""
    zero_point: int = 0
    raised: tuple[int, ...] = ()
    """How much higher than `zero_point`, the lowest, each channel's own zero point lies; () where
    they are alike."""

    @property
    def size(self) -> int:
        """The number of values of one sample."""
        return int(np.prod(self.shape))

    @property
    def zero_points(self) -> NDArray[np.int64]:
        """The zero points: [1] for all values, or [C] with one for each channel."""
        return self.zero_point + np.array(self.raised or (0,), np.int64)

    @property
    def to_unsigned(self) -> int:
        """The offset that turns int8 into uint8; 0 for every other type."""
        return 128 if self.type == "int8" else 0


@dataclass(frozen=True)
class Window:
    """The window of a convolution or a pooling: (height, width); pads top, left, bottom, right."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    def with_rows_around(self, top: int, bottom: int) -> Window:
        """The same window, with other pads above and below."""
        return replace(self, pads=(top, self.pads[1], bottom, self.pads[3]))


ONE_ROW = Window((1, 1))
"""The window of what computes each position from the same position alone."""


@dataclass(frozen=True)
class Requantization:
    """The rounding of accumulators to an output tensor's integers.

    q = zero_point + round(acc * m 2**-s), half to even, clamped to [low, high]. There is one
    multiplier, or one for each output channel.
    """

    multipliers: tuple[Multiplier, ...]
    zero_point: int
    low: int
    high: int
    ties: bool = True
    """False where it is proved that half up gives the same: see passes/ties.py."""
    short: ShortForms = NOTHING_PROVED
    """The shorter roundings that are proved to be this one: see passes/proved.py."""

    def of(self, begin: int, end: int) -> Requantization:
        """The rounding of these channels alone."""
        if len(self.multipliers) == 1:
            return self
        short = self.short.of(begin, end)
        return replace(self, multipliers=self.multipliers[begin:end], short=short)

    def plus(self, offset: int) -> Requantization:
        """The same rounding with `offset` added to every result; nothing is proved of it yet."""
        return replace(
            self,
            short=NOTHING_PROVED,
            zero_point=self.zero_point + offset,
            low=self.low + offset,
            high=self.high + offset,
        )


@dataclass(frozen=True)
class Pooling:
    """A pooling of accumulators, fused behind a convolution."""

    kind: Literal["average", "max"]
    window: Window
    """The window, without pads: a pooling with pads is a node of its own."""


@dataclass(frozen=True)
class Place:
    """A tensor in memory: the C expression of its address, its shape, type and zero points."""

    at: str
    shape: Shape
    type: Type
    zero_point: int
    raised: tuple[int, ...] = ()
    """As in Tensor."""

    @property
    def size(self) -> int:
        """The number of values of one sample."""
        return int(np.prod(self.shape))

    @property
    def bytes(self) -> int:
        """The bytes of one sample."""
        return self.size * BYTES[self.type]


@dataclass(frozen=True, eq=False)
class Laid:
    """A node with its memory order chosen.

    `work`: the node with its constants in memory order. `inputs`: the order in which it reads each
    input. `output`: the order that it writes.
    """

    work: Node
    inputs: tuple[Order, ...]
    output: Order


class Node(ABC):
    """One operation of the graph. Subclasses are frozen dataclasses.

    Passes and checks ask nothing else of a node than these methods: a new kind is one new class.
    """

    name: str
    """The node of the ONNX file, for messages and comments."""
    output: str

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """The names of the input tensors."""

    @property
    def rounds(self) -> bool:
        """Whether it computes new numbers; False where it only moves existing ones."""
        return True

    @abstractmethod
    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        """Compute the output [N, *shape] from the tensors before it.

        Integers are exact, and the authority for the C code; float32 is computed in float64.
        """

    @abstractmethod
    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        """A bound of float32's error at each output: see ir/error_bounds.py."""

    @abstractmethod
    def excess(self, graph: Graph, values: Tensors) -> Reals:
        """A bound of each integer's distance from the ONNX file's number, in steps of the output.

        The half step that rounding takes isn't counted: see ir/tolerance.py.
        """

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:  # noqa: ARG002
        """The excess of a node whose inputs, `values`, are already off by `before`, in their steps.

        Raises ValueError for a node that doesn't know what it makes of that.
        """
        raise ValueError(f"{self.name}: it computes with values that nothing rounded")

    def to_uint8(self, graph: Graph) -> Node:  # noqa: ARG002
        """The same node in a graph that holds every int8 tensor as uint8, 128 higher."""
        return self

    def mark_ties(self, graph: Graph) -> Node:  # noqa: ARG002
        """The same node, with `ties` False where half up and half to even can't differ."""
        return self

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Choose the memory order of the output for inputs that lie in `orders`.

        Unless a subclass overrides it, inputs are read as they lie, and images are [H, W, C].
        """
        return Laid(self, orders, nhwc(graph.tensors[self.output].shape))

    @abstractmethod
    def emit(self, step: Step) -> Code:
        """The portable C of a step; `step.work` is this node, laid out."""

    @abstractmethod
    def describe(self) -> list[str]:
        """The node's operations in words, such as `5x5 conv`, `ReLU`, `2x2 average pool`."""

    @property
    def row_window(self) -> Window | None:
        """The window through which a position of an image [C, H, W] reads its inputs.

        None: an output may need any input, or other rows would not be the same node's.
        """
        return None

    def of_rows(self, top: int, bottom: int) -> Node:  # noqa: ARG002
        """The node that computes some rows, whose windows leave the rows given by so many."""
        return self

    def of_outputs(self, begin: int, end: int) -> Node | None:  # noqa: ARG002
        """The node that computes these channels alone; None where that is no node of its kind."""
        return None

    @property
    def weight_type(self) -> str | None:
        """The C type of integer weights, without `_t`; None where there are none."""
        return None

    def macs(self, output: Tensor) -> int:  # noqa: ARG002
        """The multiply-adds of one sample."""
        return 0

    def workspace(self, graph: Graph) -> int:  # noqa: ARG002
        """The numbers that evaluating one sample holds beside input and output."""
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
    order: Order
    """The order in which it writes its output."""


@dataclass(frozen=True)
class Origin:
    """The tensor of the ONNX file whose values a tensor of the graph holds.

    They are integers, or the real numbers for which int32 accumulators stand.
    """

    name: str
    shape: Shape
    """The order of values is the same."""
    slack: float = 0.0
    """A bound, in real numbers, of how far roundings dropped before the last one moved a value."""
    moved: tuple[float, ...] = ()
    """The same for coarser integers, by channel; () where no channel has them."""
    raised: tuple[int, ...] = ()
    """How much higher the file's integers of each channel are; () where they are the tensor's."""


@dataclass(frozen=True)
class Graph:
    """A network of integers or of float32.

    `final`: the function that follows the output, and is computed in float outside of the graph.
    `origins`: for each tensor, where the ONNX file holds its values.
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[Node, ...]
    input: str
    output: str
    final: Final | None = None
    origins: dict[str, tuple[Origin, ...]] = field(default_factory=dict)
    own_input: Type | None = None
    """The type of the integers that the ONNX network itself takes; None: float32."""
    own_output: Type | None = None
    """The type of the integers that the ONNX network itself gives; None: float32."""
    rounded: Tensor | None = None
    """The integers to which the file rounds the final function's result."""
    keeps_axis: bool = False
    """Whether a final ArgMax leaves the axis of the classes, with the size 1."""
    more_inputs: tuple[str, ...] = ()
    """The inputs behind the first; with any, or with several outputs, both ends are float32."""
    more_outputs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """The names that its inputs, then its outputs, have in the file; () where there is none."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tensors of all inputs."""
        return (self.input, *self.more_inputs)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The tensors of all outputs."""
        return (self.output, *self.more_outputs)

    @property
    def several(self) -> bool:
        """Whether it has more than one input or output."""
        return bool(self.more_inputs or self.more_outputs)

    @property
    def is_float32(self) -> bool:
        """Whether its tensors are float32; a network of integers has none."""
        return self.tensors[self.input].type == "float32"


@dataclass(frozen=True)
class Plan:
    """A graph laid out in memory.

    `graph`: the graph that is computed, without int8 tensors. `scratch`: bytes beyond inputs and
    outputs.
    """

    graph: Graph
    steps: tuple[Step, ...]
    inputs: tuple[Place, ...]
    outputs: tuple[Place, ...]
    scratch: int

    @property
    def input(self) -> Place:
        """The only input, or the first."""
        return self.inputs[0]

    @property
    def output(self) -> Place:
        """The only output, or the first."""
        return self.outputs[0]

    def macs(self, step: Step) -> int:
        """The multiply-adds of a step for one sample."""
        return step.work.macs(self.graph.tensors[step.work.output])


def ends(graph: Graph) -> tuple[Tensor, Tensor]:
    """The input and output tensors as the ONNX network has them.

    An end that is integers in the file has the scale 1.
    """
    own_output = None if graph.final else graph.own_output
    return _end(graph, graph.input, graph.own_input), _end(graph, graph.output, own_output)


def _end(graph: Graph, name: str, own: Type | None) -> Tensor:
    tensor = graph.tensors[name]
    if own is None:
        return tensor
    zero_point = LIMITS[tensor.type][0] - LIMITS[own][0]  # of int8 that is held as uint8
    return replace(tensor, scale=(1.0,), zero_point=zero_point)


def last_reads(graph: Graph) -> list[set[str]]:
    """The tensors that are dead after each node: no later node, nor the output, needs them."""
    wanted, last = {*graph.outputs}, []
    for node in reversed(graph.nodes):
        reads = {*node.reads}
        last.append((reads | {node.output}) - wanted)
        wanted |= reads
    return last[::-1]
