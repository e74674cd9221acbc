"""Tensors: their shapes, number formats and places in memory, and what is done along their axes.

Shapes are of one sample, without the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.short_forms import NOTHING_PROVED, ShortForms
from quantbench.numerics.fixed_point import Multiplier

Type = Literal["uint8", "int8", "int32", "float32"]
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
