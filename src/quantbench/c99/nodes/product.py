"""The product of two 8-bit tensors, one of which may be broadcast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from quantbench.c99.emit.describe import cuts_at_zero
from quantbench.c99.emit.fragments import Fields, Tables, layer_code
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import UNIT
from quantbench.c99.ir.graph import (
    ONE_ROW,
    Graph,
    ImageOrder,
    Laid,
    Node,
    Orders,
    Reals,
    Requantization,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.rounding import Range, range_of, requantized, with_ties_marked
from quantbench.c99.nodes.broadcast import sides, strides


@dataclass(frozen=True)
class Product(Node):
    """(q1 - zero point) (q2 - zero point), requantized; an axis of size 1 is read again."""

    name: str
    inputs: tuple[str, str]
    output: str
    requantize: Requantization

    @property
    def reads(self) -> tuple[str, ...]:
        return self.inputs

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        return requantized(self._products(graph, values), self.requantize)

    def _products(self, graph: Graph, values: Tensors) -> Values:
        a, b = (values[name] - graph.tensors[name].zero_point for name in self.inputs)
        return np.asarray(a * b)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't requantized")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        sizes = np.abs(self._products(graph, values)) * (UNIT * tolerance.EXTRA)
        return tolerance.in_output_steps(sizes, self.requantize)

    def to_uint8(self, graph: Graph) -> Product:
        out = graph.tensors[self.output].to_unsigned
        return replace(self, requantize=self.requantize.plus(out))

    def mark_ties(self, graph: Graph) -> Product:
        ends = []
        for name in self.inputs:
            values, zero_point = range_of(graph.tensors[name]), graph.tensors[name].zero_point
            ends.append((values.low - zero_point, values.high - zero_point))
        products = [a * b for a, b in product(*ends)]
        acc = Range(min(products), max(products))
        pairs = ((acc, factor) for factor in self.requantize.multipliers)
        return replace(self, requantize=with_ties_marked(self.requantize, pairs))

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Read both operands, and write, as images lie; vectors are in order."""
        shapes = [graph.tensors[name].shape for name in self.inputs]
        return Laid(
            self,
            tuple(nhwc(shape) for shape in shapes),
            nhwc(graph.tensors[self.output].shape),
        )

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        tables = Tables(step.identifier)
        tables.add_requantization(self.requantize)
        height, width, channels = sides(step.output.shape)
        fields: Fields = {"height": height, "width": width, "channels": channels}
        for letter, place in zip("ab", step.inputs, strict=True):
            down, right, deep = strides(place.shape, step.output.shape)
            fields |= {f"{letter}_down": down, f"{letter}_right": right, f"{letter}_deep": deep}
            fields[f"{letter}_zero"] = place.zero_point
        return layer_code(step, "product", tables, fields)

    def describe(self) -> list[str]:
        return ["multiply", *(["ReLU"] if cuts_at_zero(self.requantize) else [])]
