"""A float32 activation that isn't fused into a layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.c99.emit.describe import limits_words
from quantbench.c99.emit.fragments import clamp_code
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    OneInput,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
    Window,
)


@dataclass(frozen=True)
class Clamp(OneInput):
    """A clamp of float32; None: no limit. Integers are clamped when they are requantized."""

    name: str
    input: str
    output: str
    low: float | None
    high: float | None

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return within_limits(values[self.input], self.low, self.high)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        return errors[self.input]

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        raise ValueError(f"{self.name}: integers are clamped as they are requantized")

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return Laid(self, orders, orders[0])

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        return clamp_code(step, "activate", self.low, self.high)

    def describe(self) -> list[str]:
        return limits_words(self.low, self.high)


def within_limits(values: Reals, low: float | None, high: float | None) -> Reals:
    """The values clamped to [low, high]; None: no limit."""
    above = values if low is None else np.maximum(values, low)
    return above if high is None else np.minimum(above, high)
