"""A change of scale that isn't fused into a layer; with it, an activation of integers."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    OneInput,
    Orders,
    Reals,
    Requantization,
    Step,
    Tensors,
    Values,
    Window,
)
from quantbench.c99.ir.rounding import Range, range_of, requantized, with_ties_marked


@dataclass(frozen=True)
class Requantize(OneInput):
    """A change of format: (q - zero point of the input), requantized."""

    name: str
    input: str
    output: str
    requantize: Requantization

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        acc = values[self.input] - graph.tensors[self.input].zero_point
        return requantized(acc, self.requantize)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: float32 isn't requantized")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        sizes = np.abs(values[self.input] - graph.tensors[self.input].zero_point)
        e = np.asarray(sizes * (UNIT * tolerance.EXTRA), np.float64)
        return tolerance.in_output_steps(e, self.requantize)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        return before[self.input]

    def to_uint8(self, graph: Graph) -> Requantize:
        out = graph.tensors[self.output].to_unsigned
        return replace(self, requantize=self.requantize.plus(out))

    def mark_ties(self, graph: Graph) -> Requantize:
        tensor = graph.tensors[self.input]
        values = range_of(tensor)
        acc = Range(values.low - tensor.zero_point, values.high - tensor.zero_point)
        pairs = ((acc, factor) for factor in self.requantize.multipliers)
        return replace(self, requantize=with_ties_marked(self.requantize, pairs))

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Keep the order; multipliers by channel are moved to the positions of their values."""
        (order,), factors = orders, self.requantize.multipliers
        if len(factors) == 1 or len(graph.tensors[self.output].shape) > 1:
            return Laid(self, orders, order)
        moved = replace(self.requantize, multipliers=tuple(factors[at] for at in order))
        return Laid(replace(self, requantize=moved), orders, order)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        tables = Tables(step.identifier)
        tables.add_requantization(self.requantize)
        channels = step.output.shape[0]
        fields: Fields = {
            "places": step.output.size // channels,
            "channels": channels,
            "in_zero": step.inputs[0].zero_point,
        }
        return layer_code(step, "rescale", tables, fields)

    def describe(self) -> list[str]:
        return ["change of scale", *(["ReLU"] if cuts_at_zero(self.requantize) else [])]
