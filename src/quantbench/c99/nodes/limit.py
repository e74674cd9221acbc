"""A limit for each channel: the highest integer that a tensor of one zero point may take in it.

A file may give each channel a zero point of its own. Integers counted from one zero point then end
lower in the channels whose zero points lie higher: docs/arithmetic.md, "Zero points by channel".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from quantbench.c99.emit.c_syntax import array
from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.graph import (
    Graph,
    ImageOrder,
    Laid,
    OneInput,
    Orders,
    Reals,
    Step,
    Tensor,
    Tensors,
    Values,
)
from quantbench.c99.ir.rounding import by_channel, range_of
from quantbench.c99.nodes.layer import Layer
from quantbench.numerics.fixed_point import Integers


@dataclass(frozen=True, eq=False)
class Limit(OneInput):
    """The smaller of each integer and its channel's highest, `highest` [C]."""

    name: str
    input: str
    output: str
    highest: Integers

    @property
    def rounds(self) -> bool:
        return False

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        inputs = values[self.input]
        return np.asarray(np.minimum(inputs, by_channel(self.highest, inputs.ndim)), np.int64)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        raise ValueError(f"{self.name}: it is a node of integers")

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        return np.full(values[self.input].shape, tolerance.MARGIN)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        return before[self.input]

    def to_uint8(self, graph: Graph) -> Limit:
        return replace(self, highest=self.highest + graph.tensors[self.output].to_unsigned)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Keep the order; a vector's limits are moved to the positions of its values."""
        (order,) = orders
        if len(graph.tensors[self.output].shape) > 1:
            return Laid(self, orders, order)
        return Laid(replace(self, highest=self.highest[order]), orders, order)

    def emit(self, step: Step) -> Code:
        name, (source,), output = f"{step.identifier}_highest", step.inputs, step.output
        channels = len(self.highest)
        numbers = f"{output.size // channels}, {channels}"
        call = f"model_limit({name}, {source.at}, {output.at}, {numbers});"
        return Code(
            array("uint8_t", name, self.highest), (call,), ("limit",), tables=self.highest.size
        )

    def describe(self) -> list[str]:
        return ["limit for each channel"]


def exceeds(layer: Layer, input: Tensor, highest: Integers) -> bool:
    """Whether a rounded layer's result may be above `highest` [O] for any integers of its input."""
    requantize = layer.requantize
    if requantize is None:
        return True
    reached = [
        requantize.zero_point + round(acc.high * factor.value)
        for acc, factor in layer.accumulators(range_of(input))
    ]
    return any(
        min(integer, requantize.high) > most
        for integer, most in zip(reached, highest.tolist(), strict=True)
    )
