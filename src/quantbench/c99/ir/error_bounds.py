"""The float32 graph in NumPy's float64, and how far float32 may be from that.

Of n products that are summed in any order, with or without fused multiply-adds, float32 gives

    |sum - exact| <= gamma_n sum |w x|,   gamma_n = n u / (1 - n u),   u = 2**-24

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). Each node takes this
bound of each of its outputs, from its own weights and values (`Node.float32_error`). The errors of
the layer before pass through the weights; there they are taken as independent, as the root of the
sum of squares. That all of them conspire is no bound that helps: it grows by sum |w| from layer to
layer, and would soon pass a wrong weight. Where nothing is weighted (sums of two, averages,
maxima) they are added.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Graph, Reals, last_reads

UNIT = 2.0**-24
"""The relative error of one operation in float32."""
TINY = 2.0**-149
"""Below it a product is 0: an error that no factor bounds."""


@dataclass(frozen=True, eq=False)
class Near:
    """Values [N, ...] and the error that float32 may have at each."""

    values: Reals
    error: Reals

    @property
    def most(self) -> Reals:
        """No computed value is larger."""
        return np.abs(self.values) + self.error


def execute(graph: Graph, inputs: NDArray[np.float32]) -> Near:
    """The output of the network for inputs [N, *shape]."""
    values, errors = _begin(graph, inputs)
    for node, read_last in zip(graph.nodes, last_reads(graph), strict=True):
        values[node.output] = node.evaluate(graph, values)
        errors[node.output] = node.float32_error(graph, values, errors)
        for name in read_last:
            values.pop(name)
            errors.pop(name)
    return Near(values[graph.output], errors[graph.output])


def run_all(graph: Graph, inputs: NDArray[np.float32]) -> dict[str, Near]:
    """Every tensor of the network by name, for inputs [N, *shape]."""
    values, errors = _begin(graph, inputs)
    for node in graph.nodes:
        values[node.output] = node.evaluate(graph, values)
        errors[node.output] = node.float32_error(graph, values, errors)
    return {name: Near(values[name], errors[name]) for name in values}


def _begin(graph: Graph, inputs: NDArray[np.float32]) -> tuple[dict[str, Reals], dict[str, Reals]]:
    values = inputs.astype(np.float64)
    return {graph.input: values}, {graph.input: np.zeros_like(values)}


def mean_error(error: Reals, most: Reals, counts: Reals | int) -> Reals:
    """The error of a sum and one division, of windows [N, C, H', W', kh, kw]: `error` is the sum
    of theirs, `most` what no value passes.
    """
    terms = math.prod(most.shape[4:]) + 1
    of_sum = gamma(terms) * most.sum(axis=(4, 5))
    return np.asarray((error + of_sum) / counts + terms * TINY, np.float64)


def gamma(terms: int) -> float:
    return terms * UNIT / (1 - terms * UNIT)
