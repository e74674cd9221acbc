"""Number formats of an ONNX network's tensors, and the limits of its activations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from quantbench.c99.ir.graph import LIMITS, Tensor, Type
from quantbench.numerics.fixed_point import exact


@dataclass(frozen=True)
class Format:
    """The number format of a tensor: an integer q stands for scale * (q - zero_point)."""

    scale: float
    zero_point: int
    type: Type
    by_channel: tuple[float, ...] = ()
    """The scale of each channel, where they differ; `scale` is the largest of them then."""
    raised: tuple[int, ...] = ()
    """How much higher than `zero_point`, the lowest, each channel's zero point lies in the file; ()
    where they are alike."""

    @property
    def scales(self) -> tuple[float, ...]:
        """The scales by channel, or the one scale of all."""
        return self.by_channel or (self.scale,)

    @property
    def zero_points(self) -> tuple[int, ...]:
        """The zero points by channel, or the one of all."""
        return tuple(self.zero_point + more for more in self.raised or (0,))

    def of_channels(self, begin: int, end: int) -> Format:
        """The format of the channels from `begin` up to `end`, excluded."""
        return format_of(self.by_channel[begin:end], self) if self.by_channel else self


FLOAT32 = Format(1.0, 0, "float32")


def format_of(scales: Sequence[float], like: Format) -> Format:
    """The format with these scales and the zero point and type of `like`."""
    different = tuple(scales) if len({*scales}) > 1 else ()
    return Format(max(scales), like.zero_point, like.type, different)


def format_of_tensor(tensor: Tensor) -> Format:
    """The format of a tensor of the graph."""
    like = Format(tensor.scale[0], tensor.zero_point, tensor.type)
    return replace(format_of(tensor.scale, like), raised=tensor.raised)


@dataclass(frozen=True)
class Limits:
    """The real numbers that an activation lets through; None: no limit."""

    low: Fraction | None = None
    high: Fraction | None = None

    @classmethod
    def of(cls, format: Format) -> Limits:
        """The lowest and the highest real number that the integers of `format` stand for."""
        low, high = LIMITS[format.type]
        scale = exact(format.scale)
        return cls(scale * (low - format.zero_point), scale * (high - format.zero_point))

    def then(self, after: Limits) -> Limits:
        """The limits of this activation followed by those of `after`."""
        return Limits(
            low=after.low if self.low is None else after.clipped(self.low),
            high=after.high if self.high is None else after.clipped(self.high),
        )

    def clipped(self, real: Fraction) -> Fraction:
        """The number nearest to `real` within the limits."""
        real = real if self.low is None else max(real, self.low)
        return real if self.high is None else min(real, self.high)

    def within(self, reach: tuple[float, float]) -> tuple[float, float]:
        """The interval of real numbers `reach` after the activation."""
        low, high = (float(self.clipped(exact(end))) for end in reach)
        return low, high

    @property
    def floats(self) -> tuple[float | None, float | None]:
        """The limits as float64; None: no limit."""
        low, high = (None if real is None else float(real) for real in (self.low, self.high))
        return low, high


FREE = Limits()
RELU = Limits(low=Fraction(0))
