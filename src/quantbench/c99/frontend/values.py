"""What is known of a tensor of the ONNX network while its nodes are gone through in order.

Nothing is rounded, and no node of integers made, before a QuantizeLinear says to which scale:
until then a layer is what it is in real numbers, with all that follows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import (
    LIMITS,
    Pooling,
    Type,
    Window,
)
from quantbench.numerics.fixed_point import Integers, exact

Shape = tuple[int, ...]
"""Without the batch."""
Factors = NDArray[np.int16 | np.float32]
"""Weights: integers of a quantized network, else float32."""


@dataclass(frozen=True)
class Format:
    """How 8 bits stand for real numbers."""

    scale: float
    zero_point: int
    type: Type
    by_channel: tuple[float, ...] = ()
    """The scale of each channel, where they differ; `scale` is the largest of them then."""

    @property
    def scales(self) -> tuple[float, ...]:
        return self.by_channel or (self.scale,)

    def of_channels(self, begin: int, end: int) -> Format:
        """Of a part of the channels."""
        return format_of(self.by_channel[begin:end], self) if self.by_channel else self


def format_of(scales: Sequence[float], like: Format) -> Format:
    """With these scales, and zero point and type of another."""
    different = tuple(scales) if len({*scales}) > 1 else ()
    return Format(max(scales), like.zero_point, like.type, different)


@dataclass(frozen=True)
class Limits:
    """What an activation leaves of the real numbers; None: no limit."""

    low: Fraction | None = None
    high: Fraction | None = None

    @classmethod
    def of(cls, format: Format) -> Limits:
        """The least and the greatest real number that 8 bits of `format` hold."""
        low, high = LIMITS[format.type]
        scale = exact(format.scale)
        return cls(scale * (low - format.zero_point), scale * (high - format.zero_point))

    def then(self, other: Limits) -> Limits:
        return Limits(
            low=other.low if self.low is None else other.clipped(self.low),
            high=other.high if self.high is None else other.clipped(self.high),
        )

    def clipped(self, real: Fraction) -> Fraction:
        real = real if self.low is None else max(real, self.low)
        return real if self.high is None else min(real, self.high)


FREE = Limits()
RELU = Limits(low=Fraction(0))


@dataclass(frozen=True, eq=False)
class Constant:
    array: NDArray[np.generic]


@dataclass(frozen=True, eq=False)
class Weights:
    """scale * values: a constant behind DequantizeLinear, the zero point taken off, or, with the
    scale 1, a float32 constant.
    """

    values: Factors
    scale: NDArray[np.float32]
    """[n]: one, or one for each index of `axis`."""
    axis: int | None


@dataclass(frozen=True, eq=False)
class Words:
    """A constant of 32 bits behind DequantizeLinear: a bias."""

    values: Integers
    scale: NDArray[np.float32]
    """[n], of its last axis, or one."""


@dataclass(frozen=True)
class Image:
    """The network's input, before it is quantized, seen in `shape`. `type`: of its integers, None
    where it is float32.
    """

    shape: Shape
    type: Type | None = None


@dataclass(frozen=True)
class Real:
    """Of a tensor of the integer graph, seen in `shape`."""

    tensor: str
    shape: Shape


@dataclass(frozen=True)
class Quantized:
    """The integers of a tensor."""

    real: Real
    format: Format

    @property
    def shape(self) -> Shape:
        return self.real.shape


@dataclass(frozen=True, eq=False)
class Sums:
    """A convolution, or a fully connected layer, which has no window: scale (bias + sum q w')."""

    where: str
    input: str
    weights: Factors
    """[O, I / groups, kh, kw] or [O, I]."""
    scale: tuple[Fraction, ...]
    """[O], positive."""
    bias: tuple[Fraction, ...]
    """[O], in units of the accumulator."""
    shape: Shape
    window: Window | None = None
    groups: int = 1
    limits: Limits = FREE
    """Before the pooling."""
    pooling: Pooling | None = None


@dataclass(frozen=True)
class Mean:
    """An average pooling by itself."""

    where: str
    input: str
    shape: Shape
    window: Window
    count_pads: bool


@dataclass(frozen=True)
class Total:
    """Of two tensors."""

    where: str
    inputs: tuple[str, str]
    shape: Shape


@dataclass(frozen=True)
class Same:
    """A tensor as it is, to be held otherwise."""

    where: str
    input: str
    shape: Shape


@dataclass(frozen=True)
class Joined:
    """Concatenated along channels."""

    where: str
    parts: tuple[Real | Pending, ...]
    shape: Shape


@dataclass(frozen=True)
class Padded:
    """A step after rounding: a frame of one real number."""

    where: str
    pads: tuple[int, int, int, int]
    value: Fraction
    shape: Shape


@dataclass(frozen=True)
class Largest:
    """A step after rounding, which a maximum commutes with."""

    where: str
    window: Window
    shape: Shape


@dataclass(frozen=True)
class Pending:
    """Not yet rounded: `limits` hold for what `core` gives, then come `steps`, then the shape."""

    core: Sums | Mean | Total | Same | Joined
    shape: Shape
    limits: Limits = FREE
    steps: tuple[Padded | Largest, ...] = ()
    slack: Fraction = Fraction(0)
    """How far, in real numbers, the roundings that were dropped could have moved a value."""
    grid: Format | None = None
    """The format of the last dropped rounding, while no pooling has followed it."""

    @property
    def plain(self) -> bool:
        """Of the shape in which its core gives it, with no step between."""
        return not self.steps and self.shape == self.core.shape


@dataclass(frozen=True)
class Deferred:
    """Behind a QuantizeLinear that is dropped, for what follows is fused."""

    pending: Pending


@dataclass(frozen=True)
class Probabilities:
    """A Softmax at the end; `source` is the name of what it reads. `format`: to which the file
    rounds its result, if to any; `integers`: whether these are meant.
    """

    of: Real | Pending
    source: str
    format: Format | None = None
    integers: bool = False


Value = Constant | Weights | Words | Image | Real | Quantized | Pending | Deferred | Probabilities
