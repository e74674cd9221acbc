"""Real numbers expressed in a format's integers: limits, padding values, scales by channel."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol, TypeVar

from quantbench.c99.frontend.fitting import Span
from quantbench.c99.frontend.formats import Format, Limits
from quantbench.c99.ir.graph import LIMITS
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

T = TypeVar("T")


class HasConstants(Protocol):
    """A step that brings real constants into its output, such as a padding."""

    @property
    def constants(self) -> tuple[Fraction, ...]:
        """Real numbers that the output contains whatever the input is."""


def alike(where: str, values: Sequence[T]) -> T:
    """The value that all channels share. Raises CompileError where they differ."""
    if len({*values}) > 1:
        raise CompileError(
            f"{where}: it reads or gives a tensor with a scale for each channel, and needs another "
            "number for each; Conv and a change of scale have them"
        )
    return values[0]


def spans(format: Format, channels: int) -> tuple[Span, ...]:
    """The range of real numbers that each channel of an output in this format holds."""
    held = []
    for scale in format.scales:
        low, high = (exact(scale) * (end - format.zero_point) for end in LIMITS[format.type])
        held.append(Span(exact(scale), low, high))
    return tuple(held) if len(held) > 1 else tuple(held) * channels


def integer(real: Fraction, format: Format, scale: float) -> int:
    """The integer of `format`, which has one zero point, nearest to `real`, at one of its scales.

    A tie goes to an even number of steps from the zero point.
    """
    low, high = LIMITS[format.type]
    return min(max(format.zero_point + round(real / exact(scale)), low), high)


def integers(where: str, limits: Limits, format: Format) -> tuple[int, int]:
    """The lowest and the highest integer within `limits`.

    Raises CompileError where channels differ.
    """
    return alike(where, ends(limits, format))


def ends(limits: Limits, format: Format) -> list[tuple[int, int]]:
    """The lowest and the highest integer within `limits`, for each scale of `format`."""
    low, high = LIMITS[format.type]
    return [
        (
            low if limits.low is None else integer(limits.low, format, scale),
            high if limits.high is None else integer(limits.high, format, scale),
        )
        for scale in format.scales
    ]


def held(limits: Limits, steps: Sequence[HasConstants], format: Format) -> bool:
    """Whether `format` represents the limits, and the constants of the steps, exactly."""
    return all(_held_at(limits, steps, format, exact(scale)) for scale in format.scales)


def _held_at(
    limits: Limits, steps: Sequence[HasConstants], format: Format, scale: Fraction
) -> bool:
    low, high = (scale * (limit - format.zero_point) for limit in LIMITS[format.type])
    reals = [real for step in steps for real in step.constants]
    if limits.low is not None and limits.low > low:
        reals.append(limits.low)
    if limits.high is not None and limits.high < high:
        reals.append(limits.high)
    return all(low <= real <= high and (real / scale).denominator == 1 for real in reals)
