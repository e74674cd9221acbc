"""A fully connected layer, with the activation that is fused behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir import tolerance
from quantbench.c99.ir.code import Code
from quantbench.c99.ir.error_bounds import TINY, gamma
from quantbench.c99.ir.graph import (
    Graph,
    ImageOrder,
    Laid,
    Orders,
    Reals,
    Requantization,
    Step,
    Tensor,
    Tensors,
    Values,
)
from quantbench.c99.ir.rounding import clamped, requantized
from quantbench.c99.nodes.layer import (
    Layer,
    bias_bound,
    blocks,
    dense_code,
    distances,
    float_code,
    of_outputs,
    ties_marked,
    unsigned_bias,
)


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """A fully connected layer: acc = bias + sum x w, then clamp, requantize.

    An input [C, H, W] is flattened in that order.
    """

    name: str
    input: str
    output: str
    weights: NDArray[Any]
    """[O, I]"""
    bias: NDArray[Any]
    low: NDArray[Any] | None
    high: NDArray[Any] | None
    requantize: Requantization | None

    def evaluate(self, graph: Graph, values: Tensors) -> Values:
        x = _flat(values[self.input])
        sums = _products(x, self.weights).astype(x.dtype)  # exact for integers
        acc = clamped(sums + self.bias.astype(x.dtype), self.low, self.high)
        return requantized(acc, self.requantize)

    def float32_error(self, graph: Graph, values: Tensors, errors: Tensors) -> Reals:
        error = _flat(errors[self.input])
        largest = np.abs(_flat(values[self.input])) + error
        weights, terms = self.weights.astype(np.float64), self.weights.shape[1] + 1
        sizes = _products(largest, np.abs(weights)) + np.abs(self.bias.astype(np.float64))
        of_sum = gamma(terms) * sizes + terms * TINY
        return np.asarray(np.sqrt(of_sum**2 + _products(error**2, weights**2)))

    def excess(self, graph: Graph, values: Tensors) -> Reals:
        input = graph.tensors[self.input]
        sizes = _products(distances(_flat(values[self.input]), input), np.abs(self.weights))
        e = tolerance.of_sums(sizes, bias_bound(self, input), self.weights.shape[1])
        return tolerance.in_output_steps(e, self.requantize)

    def to_uint8(self, graph: Graph) -> Dense:
        into = graph.tensors[self.input].to_unsigned
        out = graph.tensors[self.output].to_unsigned
        requantize = self.requantize.plus(out) if self.requantize else None
        bias = unsigned_bias(self, into) if into else self.bias
        return replace(self, bias=bias, requantize=requantize)

    def mark_ties(self, graph: Graph) -> Dense:
        return ties_marked(self, graph)

    def layout(self, graph: Graph, orders: Orders, nhwc: ImageOrder) -> Laid:
        """Permute the weights' columns to the order in which the input lies."""
        work = replace(self, weights=self.weights[:, orders[0]])
        return Laid(work, orders, nhwc(graph.tensors[self.output].shape))

    def of_outputs(self, begin: int, end: int) -> Dense:
        return of_outputs(self, begin, end)

    def emit(self, step: Step) -> Code:
        if step.output.type != "float32":
            return dense_code(step, self, 1, 1, 0)
        fields = {"inputs": step.inputs[0].size, "outputs": step.output.size}
        return float_code(step, self, "dense", ("clamp", "products"), blocks(self.weights), fields)

    def describe(self) -> list[str]:
        return ["fully connected", *self.activation_words()]

    def macs(self, output: Tensor) -> int:
        return int(self.weights.size)


def _flat(values: Values) -> Values:
    return values.reshape(len(values), -1)


def _products(values: Values, weights: NDArray[Any]) -> Reals:
    """The sums [N, O] of values [N, I] times weights [O, I]."""
    return np.asarray(values.astype(np.float64) @ weights.T.astype(np.float64))
