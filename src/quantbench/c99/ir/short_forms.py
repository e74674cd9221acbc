"""Shorter roundings that are proved to be a layer's requantization: docs/arithmetic.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class ScaledForm:
    """zero point + floor((acc m + half) 2**-shift), with an m and a half for each channel, or one.

    0 <= m < 2**31, 0 <= half < 2**shift.
    """

    m: tuple[int, ...]
    half: tuple[int, ...]
    shift: int

    def of(self, begin: int, end: int) -> ScaledForm:
        """The form of these channels alone."""
        return ScaledForm(_of(self.m, begin, end), _of(self.half, begin, end), self.shift)


@dataclass(frozen=True)
class RealForm:
    """The integer part of fma(float(acc), factor, offset) in float32, clamped.

    The zero point and a half are part of the offset. There is a factor and an offset for each
    channel, or one.
    """

    factor: tuple[float, ...]
    offset: tuple[float, ...]

    def of(self, begin: int, end: int) -> RealForm:
        """The form of these channels alone."""
        return RealForm(_of(self.factor, begin, end), _of(self.offset, begin, end))


@dataclass(frozen=True)
class ShortForms:
    """The forms that are proved for every channel of a layer; None: some channel has no proof.

    `by_channel` has those of each channel alone, for a kernel that rounds each by itself.
    """

    upper: ScaledForm | None = None
    """The shift is 32: the result is the upper half of a sum of 64 bits."""
    common: ScaledForm | None = None
    """The shift is above 32, and half is 2**(shift - 1) in every channel."""
    real: RealForm | None = None
    by_channel: tuple[ShortForms, ...] = ()

    @property
    def has_real(self) -> bool:
        """Whether a kernel may round a channel in float32."""
        return self.real is not None or any(each.has_real for each in self.by_channel)

    def without_real(self) -> ShortForms:
        """The same without the forms that compute in float32."""
        others = tuple(each.without_real() for each in self.by_channel)
        return replace(self, real=None, by_channel=others)

    def of(self, begin: int, end: int) -> ShortForms:
        """The forms of these channels alone."""
        return ShortForms(
            upper=self.upper and self.upper.of(begin, end),
            common=self.common and self.common.of(begin, end),
            real=self.real and self.real.of(begin, end),
            by_channel=_of(self.by_channel, begin, end),
        )


def _of(values: tuple[T, ...], begin: int, end: int) -> tuple[T, ...]:
    """What these channels have of a value for each channel, or of one for all."""
    return values[begin:end] if len(values) > 1 else values


NOTHING_PROVED = ShortForms()


def joined(channels: Sequence[ShortForms]) -> ShortForms:
    """The forms for wide registers that are proved for each of some channels, for all of them."""
    upper = [forms.upper for forms in channels if forms.upper]
    real = [forms.real for forms in channels if forms.real]
    return ShortForms(
        upper=ScaledForm(
            tuple(m for form in upper for m in form.m),
            tuple(half for form in upper for half in form.half),
            upper[0].shift,
        )
        if upper and len(upper) == len(channels)
        else None,
        real=RealForm(
            tuple(factor for form in real for factor in form.factor),
            tuple(offset for form in real for offset in form.offset),
        )
        if real and len(real) == len(channels)
        else None,
        by_channel=(*channels,),
    )
