"""The float32 graph evaluated in float64, with a bound of float32's error at each value.

A float32 sum of n products, added in any order, with or without fused multiply-adds, satisfies

    |sum - exact| <= gamma_n sum |w x|,   gamma_n = n u / (1 - n u),   u = 2**-24

(Higham, Accuracy and Stability of Numerical Algorithms, 2002, chapter 3). Each node computes this
bound for each of its outputs, from its own weights and values (`Node.float32_error`). Errors of the
layer before pass through the weights; there they are taken as independent, and combined as the root
of the sum of squares. The worst case, in which they all have one sign, would be useless: it grows
by sum |w| from layer to layer, and would soon hide a wrong weight. Where nothing is weighted (sums
of two, averages, maxima) the errors are added.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.ir.graph import Graph, Reals, last_reads

UNIT = 2.0**-24
"""The relative error of one operation in float32."""
TINY = 2.0**-149
"""The smallest float32: a product below it is 0, an error that no relative bound covers."""


@dataclass(frozen=True, eq=False)
class Near:
    """Values [N, ...] in float64, and a bound of float32's error at each."""

    values: Reals
    error: Reals

    @property
    def most(self) -> Reals:
        """A bound of the magnitude of every value that float32 computes."""
        return np.abs(self.values) + self.error


def execute(graph: Graph, inputs: NDArray[np.float32]) -> Near:
    """The only output for the only input [N, *shape]."""
    (output,) = execute_all(graph, (inputs,))
    return output


def execute_all(graph: Graph, inputs: Sequence[NDArray[np.float32]]) -> tuple[Near, ...]:
    """The network's outputs for inputs [N, *shape]."""
    values, errors = _begin(graph, inputs)
    for node, read_last in zip(graph.nodes, last_reads(graph), strict=True):
        values[node.output] = node.evaluate(graph, values)
        errors[node.output] = node.float32_error(graph, values, errors)
        for name in read_last:
            values.pop(name)
            errors.pop(name)
    return tuple(Near(values[name], errors[name]) for name in graph.outputs)


def run_all(graph: Graph, *inputs: NDArray[np.float32]) -> dict[str, Near]:
    """Tensor name -> values and errors of every tensor, for inputs [N, *shape]."""
    values, errors = _begin(graph, inputs)
    for node in graph.nodes:
        values[node.output] = node.evaluate(graph, values)
        errors[node.output] = node.float32_error(graph, values, errors)
    return {name: Near(values[name], errors[name]) for name in values}


def _begin(
    graph: Graph, inputs: Sequence[NDArray[np.float32]]
) -> tuple[dict[str, Reals], dict[str, Reals]]:
    values = {
        name: array.astype(np.float64) for name, array in zip(graph.inputs, inputs, strict=True)
    }
    return values, {name: np.zeros_like(array) for name, array in values.items()}


def mean_error(error: Reals, most: Reals, counts: Reals | int) -> Reals:
    """The error bound of averages over windows [N, C, H', W', kh, kw]: one sum, one division.

    `error`: the sum of the values' own errors. `most`: bounds of the values' magnitudes. `counts`:
    how many positions each average is of.
    """
    terms = math.prod(most.shape[4:]) + 1
    of_sum = gamma(terms) * most.sum(axis=(4, 5))
    return np.asarray((error + of_sum) / counts + terms * TINY, np.float64)


def gamma(terms: int) -> float:
    """Higham's gamma_n: the relative error bound of a float32 sum of `terms` products."""
    return terms * UNIT / (1 - terms * UNIT)
