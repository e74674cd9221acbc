"""Which multiply-adds of a network run on integers, and in which number formats."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from quantbench.system.record import Record


class LayerNumerics(Record):
    """What a method did to one layer that multiplies."""

    name: str
    kind: str
    macs: int
    integer: bool = Field(description="its multiply-adds run on integers")
    weights: str
    activations: str
    reason: str | None = Field(None, description="why it stayed float")
    scale: float | None = Field(None, description="of its output, where it has one")
    zero_point: int | None = None


class Coverage(Record):
    """Where a network's multiply-adds ended up."""

    integer_macs: int
    float_macs: int

    @property
    def float_share(self) -> float:
        return self.float_macs / (self.float_macs + self.integer_macs)


class Quantized(Record):
    """What a method says of what it wrote."""

    numerics: str = Field(description="number formats of weights and activations")
    layers: tuple[LayerNumerics, ...]
    structure: str = Field(description="the converted network as its framework prints it")
    kind: Literal["float", "real", "simulated"] = "real"
    notes: tuple[str, ...] = ()

    @property
    def coverage(self) -> Coverage:
        integer = sum(layer.macs for layer in self.layers if layer.integer)
        return Coverage(
            integer_macs=integer, float_macs=sum(layer.macs for layer in self.layers) - integer
        )
