"""The larger or the smaller of two 8-bit tensors of one format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    Node,
    Orders,
    Reals,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.nodes.operands import in_a_shared_order


@dataclass(frozen=True)
class Extreme(Node):
    """The larger or the smaller of two integers: rounding keeps order."""

    name: str
    inputs: tuple[str, str]
    output: str
    kind: Literal["maximum", "minimum"]

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        a, b = (values[name] for name in self.inputs)
        return np.maximum(a, b) if self.kind == "maximum" else np.minimum(a, b)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        a, b = self.inputs
        return np.maximum(errors[a], errors[b])

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return np.full(values[self.inputs[0]].shape, tolerance.MARGIN)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        a, b = self.inputs
        return np.maximum(before[a], before[b]) + tolerance.MARGIN

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return in_a_shared_order(self, graph, orders, nhwc)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        (a, b), output = step.inputs, step.output
        larger = int(self.kind == "maximum")
        call = f"model_extreme({a.at}, {b.at}, {output.at}, {output.size}, {larger});"
        return Code("", (call,), ("extreme",))

    def describe(self) -> list[str]:
        return [self.kind]
