"""Coverage of a network: which multiply-adds run on integers, and in which number formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field

from quantbench.numerics.formats import ALL_FLOAT32, FLOAT32, NumberFormat, Numerics
from quantbench.system.record import Record

Kind = Literal["float", "real", "simulated"]


class LayerNumerics(Record):
    """The number formats of one layer that multiplies, as the artifact's file holds it."""

    name: str
    kind: str
    macs: int
    integer: bool = Field(description="its multiply-adds run on integers")
    weights: tuple[NumberFormat, ...] = Field(min_length=1, description="each format once")
    activations: tuple[NumberFormat, ...] = Field(
        min_length=1, description="of what it reads, each format once"
    )
    reason: str | None = Field(None, description="why it stayed float")
    scale: float | None = Field(None, description="of its output, where it has one")
    zero_point: int | None = None

    @classmethod
    def in_float32(cls, name: str, kind: str, macs: int, reason: str) -> Self:
        """A layer that multiplies in float32, for `reason`."""
        return cls(
            name=name,
            kind=kind,
            macs=macs,
            integer=False,
            weights=(FLOAT32,),
            activations=(FLOAT32,),
            reason=reason,
        )

    def left_float(self, reason: str) -> Self:
        """The same layer, multiplied in float32 for `reason`."""
        return self.in_float32(self.name, self.kind, self.macs, reason)


@dataclass(frozen=True)
class Reading:
    """The contents of an artifact's files: each layer that multiplies, in the network's order, and
    the converted network as text.
    """

    layers: tuple[LayerNumerics, ...]
    structure: str


class Coverage(Record):
    """The multiply-adds of a network, split into those on integers and those in float32."""

    integer_macs: int
    float_macs: int

    @property
    def float_share(self) -> float:
        """The fraction of multiply-adds in float32, 0 to 1; 1 where there are none."""
        return self.float_macs / (self.float_macs + self.integer_macs) if self.integer_macs else 1.0


class Quantized(Record):
    """The description of a written artifact.

    `kind` and `notes` are stated by the method; the rest is read from the files.
    """

    layers: tuple[LayerNumerics, ...]
    structure: str = Field(description="the converted network as its framework prints it")
    kind: Kind = "real"
    notes: tuple[str, ...] = ()

    @property
    def numerics(self) -> Numerics:
        """The formats of the integer layers, each once; float32 where there are none."""
        integer = [layer for layer in self.layers if layer.integer]
        if not integer:
            return ALL_FLOAT32
        return Numerics(
            weights=tuple(dict.fromkeys(f for layer in integer for f in layer.weights)),
            activations=tuple(dict.fromkeys(f for layer in integer for f in layer.activations)),
        )

    @property
    def coverage(self) -> Coverage:
        """The multiply-adds of all layers, summed by whether they run on integers."""
        integer = sum(layer.macs for layer in self.layers if layer.integer)
        return Coverage(
            integer_macs=integer, float_macs=sum(layer.macs for layer in self.layers) - integer
        )
