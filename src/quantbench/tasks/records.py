"""The record of a float network's layers."""

from __future__ import annotations

from pydantic import Field

from quantbench.system.record import Record

FUNCTIONAL = "(functional)"
"""The name of the layer that stands for all that is computed outside of leaf modules."""


class Layer(Record):
    """One leaf module of a float network, in the order in which data passes it."""

    name: str
    kind: str
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    activation: str | None = Field(None, description="the activation that follows directly")
    output_shape: tuple[int, ...] = Field(description="without the batch")
    parameters: int
    macs: int = Field(description="multiply-adds for one input")
