"""Number formats of tensors, as values from which their descriptions in words are derived."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, model_validator

from quantbench.system.record import Record

Granularity = Literal["tensor", "channel", "group"]
Scaling = Literal["static", "dynamic", "unit"]


class NumberFormat(Record):
    """The number format of one tensor. For kind "float" only `bits` has a meaning."""

    kind: Literal["integer", "float"] = "integer"
    bits: int = Field(ge=1, le=64)
    signed: bool = True
    granularity: Granularity = Field("tensor", description="the values that share one scale")
    axis: int | None = Field(
        None, ge=0, le=16, description="along which scales differ; null: none, or unknown"
    )
    group: int | None = Field(None, ge=1, description="values of a group, for granularity group")
    symmetric: bool | None = Field(
        None, description="the integer 0 is the number 0: no zero point; null: unknown"
    )
    scaling: Scaling = Field(
        "static",
        description="static: stored; dynamic: computed at run time; unit: 1, never observed",
    )
    used_bits: int | None = Field(
        None, ge=1, le=64, description="bits of the integers that occur; null: not stated"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.group is not None) != (self.granularity == "group"):
            raise ValueError("a group's size belongs to granularity 'group', and to no other")
        if self.used_bits is not None and self.used_bits > self.bits:
            raise ValueError(f"used_bits {self.used_bits} is more than bits {self.bits}")
        return self

    @property
    def type_name(self) -> str:
        """Name of the element type, such as "uint8" or "float32"."""
        if self.kind == "float":
            return f"float{self.bits}"
        return f"{'' if self.signed else 'u'}int{self.bits}"

    @property
    def narrowed(self) -> bool:
        """Whether fewer bits occur than the type has."""
        return self.used_bits is not None and self.used_bits < self.bits


FLOAT32 = NumberFormat(kind="float", bits=32)


class Numerics(Record):
    """The number formats of a layer's or a network's weights and activations, each once."""

    weights: tuple[NumberFormat, ...] = Field(min_length=1)
    activations: tuple[NumberFormat, ...] = Field(min_length=1)

    @property
    def quantized(self) -> bool:
        """Whether any of it is integers."""
        return any(format.kind == "integer" for format in (*self.weights, *self.activations))

    @property
    def text(self) -> str:
        """A line such as "weights int8 per channel, activations uint8"."""
        if not self.quantized:
            return joined(map(weights_text, self.weights))
        return (
            f"weights {joined(map(weights_text, self.weights))}, "
            f"activations {joined(map(activations_text, self.activations))}"
        )


ALL_FLOAT32 = Numerics(weights=(FLOAT32,), activations=(FLOAT32,))


def bits_of_range(low: int, high: int, *, signed: bool) -> int | None:
    """Bits that the integers from `low` to `high` take; None where there is but one of them.

    A range may be one integer longer than its bits hold: quantizers that reduce a range to 7 bits
    use -64..64 or 0..128, beside 0..127.
    """
    if low == high:
        return None
    if signed:
        return 1 + (max(abs(low), abs(high)) - 1).bit_length()
    return max(1, (high - low - 1).bit_length())


def weights_text(format: NumberFormat) -> str:
    """Words such as "int8 per channel (7 bits)" or "int4 per group of 32"."""
    if format.kind == "float":
        return format.type_name
    size = f" of {format.group}" if format.group else ""
    bits = f" ({format.used_bits} bits)" if format.narrowed else ""
    return f"{format.type_name} per {format.granularity}{size}{bits}"


def activations_text(format: NumberFormat) -> str:
    """Words such as "uint8 (7 of 8 bits)" or "uint8 scaled at run time".

    All bits are named where they are known of unsigned integers alone: x86 without VNNI may
    clip sums of products of 8-bit unsigned and signed integers, so there it matters.
    """
    name = format.type_name
    if format.scaling != "static":
        return f"{name} {'scaled at run time' if format.scaling == 'dynamic' else 'at scale 1'}"
    if format.narrowed:
        return f"{name} ({format.used_bits} of {format.bits} bits)"
    stated = format.used_bits is not None and format.kind == "integer" and not format.signed
    return f"{name} ({format.bits} bits)" if stated else name


def joined(texts: Iterable[str]) -> str:
    """The different ones of `texts` in their order, joined by "and"."""
    return " and ".join(dict.fromkeys(texts))
