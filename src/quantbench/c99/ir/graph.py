"""The integer graph: what an importer makes of ONNX, and all that a compiler reads.

Tensors are of one image, without the batch, in ONNX's order [C, H, W]; a layout is the plan's
affair. Nodes stand in an order in which each tensor is made before it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from quantbench.numerics.fixed_point import Multiplier

Type = Literal["uint8", "int8", "int32", "float32"]
N = TypeVar("N", covariant=True)
LIMITS: dict[Type, tuple[int, int]] = {
    "uint8": (0, 255),
    "int8": (-128, 127),
    "int32": (-(2**31), 2**31 - 1),
}


@dataclass(frozen=True)
class Tensor:
    """q of real numbers scale * (q - zero_point); of float32 the scale is 1."""

    name: str
    shape: tuple[int, ...]
    """[C, H, W], or [K] of a vector."""
    type: Type
    scale: tuple[float, ...]
    """One, or one for each channel (only the network's int32 output has several)."""
    zero_point: int = 0

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))


@dataclass(frozen=True)
class Window:
    """Of a convolution or a pooling. `pads` are top, left, bottom, right."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Requantize:
    """To the output tensor: zero_point + round(acc * m 2**-s), half to even, in [low, high].

    One multiplier, or one for each output channel.
    """

    multipliers: tuple[Multiplier, ...]
    zero_point: int
    low: int
    high: int
    ties: bool = True
    """False where it is proved that half up gives the same: see passes/ties.py."""


@dataclass(frozen=True)
class Pooling:
    """Fused behind a convolution: of accumulators."""

    kind: Literal["average", "max"]
    window: Window
    """Without pads: a pooling with pads is a node of its own."""


class OneInput:
    """A node that reads one tensor."""

    input: str

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.input,)


@dataclass(frozen=True, eq=False)
class Conv(OneInput):
    """acc = start + sum q w'; clamp; pool; requantize."""

    name: str
    input: str
    output: str
    weights: NDArray[np.int16]
    """w' [O, I / groups, kh, kw], in [-255, 255]. With a zero point of 0 in [-128, 127], but for
    128 where a BatchNormalization's negative factor turned -128.
    """
    start: NDArray[np.int32]
    """[O], bias and zero points folded."""
    window: Window
    groups: int
    padding: int
    """The q that stands for 0 around the input: its zero point."""
    low: NDArray[np.int32] | None
    high: NDArray[np.int32] | None
    """[O], limits of acc: ReLU, Clip."""
    pooling: Pooling | None
    requantize: Requantize | None
    """None: the output is the int32 accumulators."""


@dataclass(frozen=True, eq=False)
class Dense(OneInput):
    """As Conv, on a vector: weights [O, I]; an input [C, H, W] is flattened in that order."""

    name: str
    input: str
    output: str
    weights: NDArray[np.int16]
    start: NDArray[np.int32]
    low: NDArray[np.int32] | None
    high: NDArray[np.int32] | None
    requantize: Requantize | None


@dataclass(frozen=True)
class Pool(OneInput):
    """A pooling by itself.

    average: acc = sum (q - zero point of the input); requantize by `requantize.multipliers[n - 1]`
    where n places were counted: with `count_pads` there is one multiplier, and every window
    counts for the whole kernel. max: of q; no requantization, input and output agree in scale.
    """

    name: str
    input: str
    output: str
    kind: Literal["average", "max"]
    window: Window
    count_pads: bool
    requantize: Requantize | None


@dataclass(frozen=True)
class Add:
    """zero_point + round(((q1 - z1) m1 + (q2 - z2) m2) 2**-s), half to even, in [low, high]."""

    name: str
    inputs: tuple[str, str]
    output: str
    multipliers: tuple[int, int]
    shift: int
    zero_points: tuple[int, int]
    zero_point: int
    low: int
    high: int
    ties: bool = True
    """As in Requantize."""


@dataclass(frozen=True)
class Rescale(OneInput):
    """(q - zero point of the input) requantized: a change of scale, an activation by itself."""

    name: str
    input: str
    output: str
    requantize: Requantize


@dataclass(frozen=True)
class Concat:
    """Along channels; inputs that differ in scale pass a Rescale first."""

    name: str
    inputs: tuple[str, ...]
    output: str


@dataclass(frozen=True)
class Pad(OneInput):
    """`value` around the image: the q of the padding constant."""

    name: str
    input: str
    output: str
    pads: tuple[int, int, int, int]
    value: int


@dataclass(frozen=True)
class Reshape(OneInput):
    """To another shape of the same size; the order of values stays."""

    name: str
    input: str
    output: str


Node = Conv | Dense | Pool | Add | Rescale | Concat | Pad | Reshape


@dataclass(frozen=True)
class Origin:
    """A tensor of the ONNX file whose values a tensor of the graph holds: integers, or the real
    numbers that 32-bit accumulators stand for.
    """

    name: str
    shape: tuple[int, ...]
    """Without the batch; the order of values is the same."""
    slack: float = 0.0
    """How far dropped roundings may have moved a value before the last one, in real numbers."""
    moved: tuple[float, ...] = ()
    """How far the coarser integers of some channels may, by channel; () where there are none."""


@dataclass(frozen=True)
class GraphOf(Generic[N]):
    """A network of such nodes. `softmax`: what follows the output, in float, beside the core.
    `origins`: by tensor, where its values are found in the ONNX file.
    """

    name: str
    tensors: dict[str, Tensor]
    nodes: tuple[N, ...]
    input: str
    output: str
    softmax: bool = False
    origins: dict[str, tuple[Origin, ...]] = field(default_factory=dict)
    own_input: Type | None = None
    """Of the integers that the ONNX network itself takes; None: float32."""
    own_output: Type | None = None
    """Of the integers that the ONNX network itself gives; None: float32."""
    rounded: Tensor | None = None
    """The integers to which the file rounds a Softmax's result."""


Graph = GraphOf[Node]
"""A network of integers."""


def ends(graph: GraphOf[Any]) -> tuple[Tensor, Tensor]:
    """Input and output as the ONNX network has them: scale 1 where it has integers itself."""
    output = None if graph.softmax else graph.own_output
    return _end(graph, graph.input, graph.own_input), _end(graph, graph.output, output)


def _end(graph: GraphOf[Any], name: str, own: Type | None) -> Tensor:
    tensor = graph.tensors[name]
    if own is None:
        return tensor
    zero_point = LIMITS[tensor.type][0] - LIMITS[own][0]  # of int8 that is held as uint8
    return replace(tensor, scale=(1.0,), zero_point=zero_point)


def last_reads(graph: GraphOf[Any]) -> list[set[str]]:
    """For each node, the tensors that neither a later node nor the output of the network needs."""
    wanted, found = {graph.output}, []
    for node in reversed(graph.nodes):
        reads = {*node.inputs}
        found.append((reads | {node.output}) - wanted)
        wanted |= reads
    return found[::-1]
