"""The product of two 8-bit tensors, one of which may be broadcast."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from quantbench.c99.emit.c_syntax import array
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
from quantbench.c99.ir.wide import half_step, helpers, suffix
from quantbench.c99.nodes.broadcast import sides, strides
from quantbench.c99.nodes.operands import as_images_lie


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
        e = tolerance.in_output_steps(sizes, self.requantize)
        return e + half_step(graph, self.output)

    def carried(self, graph: Graph, values: Tensors, before: Tensors) -> Reals:
        sizes = [np.abs(values[name] - graph.tensors[name].zero_point) for name in self.inputs]
        (a, b), (e, f) = sizes, (before[name] for name in self.inputs)
        moved = np.asarray(a * f + b * e + e * f, np.float64)
        return self.excess(graph, values) + tolerance.in_output_steps(moved, self.requantize)

    def to_uint8(self, graph: Graph) -> Product:
        out = graph.tensors[self.output].to_unsigned
        return replace(self, requantize=self.requantize.plus(out))

    def mark_ties(self, graph: Graph) -> Product:
        ends = []
        for name in self.inputs:
            values, zero_point = range_of(graph.tensors[name]), graph.tensors[name].zero_point
            if graph.tensors[name].type == "int32":
                return self  # the kernel of words rounds half to even always
            ends.append((values.low - zero_point, values.high - zero_point))
        products = [a * b for a, b in product(*ends)]
        acc = Range(min(products), max(products))
        pairs = ((acc, factor) for factor in self.requantize.multipliers)
        return replace(self, requantize=with_ties_marked(self.requantize, pairs))

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        return as_images_lie(self, graph, nhwc)

    @property
    def row_window(self) -> Window:
        return ONE_ROW

    def emit(self, step: Step) -> Code:
        tables = Tables(step.identifier)
        tables.add_requantization(self.requantize)
        height, width, channels = sides(step.output.shape)
        if "int32" in (step.output.type, *(place.type for place in step.inputs)):
            return self._words(step)
        fields: Fields = {"height": height, "width": width, "channels": channels}
        for letter, place in zip("ab", step.inputs, strict=True):
            down, right, deep = strides(place.shape, step.output.shape)
            fields |= {f"{letter}_down": down, f"{letter}_right": right, f"{letter}_deep": deep}
            fields[f"{letter}_zero"] = place.zero_point
        return layer_code(step, "product", tables, fields)

    def _words(self, step: Step) -> Code:
        """The C where a tensor is of 32 bits."""
        name, (a, b), output = step.identifier, step.inputs, step.output
        shape = [*sides(output.shape)]
        for place in (a, b):
            shape += strides(place.shape, output.shape)
        factors, rounding = self.requantize.multipliers, self.requantize
        constants = array("int32_t", f"{name}_shape", shape)
        constants += array("int32_t", f"{name}_m", [factor.m for factor in factors])
        constants += array("uint8_t", f"{name}_shift", [factor.s for factor in factors])
        arguments = (
            a.at, b.at, output.at, f"{name}_shape", f"{name}_m", f"{name}_shift",
            int(len(factors) > 1), a.zero_point, b.zero_point, rounding.zero_point, rounding.low,
            rounding.high,
        )  # fmt: skip
        kernel = "product_" + "".join(suffix(place.type) for place in (a, b, output))
        call = f"model_{kernel}({', '.join(map(str, arguments))});"
        held = 4 * len(shape) + 5 * len(factors)
        return Code(constants, (call,), (*helpers(step.inputs, output), kernel), tables=held)

    def describe(self) -> list[str]:
        return ["multiply", *(["ReLU"] if cuts_at_zero(self.requantize) else [])]
