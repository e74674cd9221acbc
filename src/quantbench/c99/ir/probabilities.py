"""The Softmax, Sigmoid or ArgMax at the end of a network: not part of the generated code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from quantbench.c99.ir.graph import Final, Graph, Values
from quantbench.c99.ir.interpreter import dequantized, quantized


def answers(values: NDArray[np.float32], graph: Graph) -> NDArray[Any]:
    """The network's answers, float32 [N, K], from its output as real numbers.

    Where a final function follows, it is applied, and rounded where the file rounds it. The answers
    are integers, held as float32, where the file's output is. Those of an ArgMax are the classes,
    int64 [N, ...].
    """
    if not graph.final:
        return values
    if graph.final == "argmax":
        return np.expand_dims(classes(values), 1) if graph.keeps_axis else classes(values)
    probabilities = np.asarray(finished(values, graph.final), np.float32)
    if graph.rounded is None:
        return probabilities
    integers = quantized(probabilities, graph.rounded)
    if graph.own_output:
        return np.asarray(integers, np.float32)
    return dequantized(integers, graph.rounded)


def classes(values: Values) -> NDArray[np.int64]:
    """The index of the largest of real numbers [N, K, ...] along axis 1, the first of equal ones.

    Where one of them is no number, it is the largest.
    """
    return np.asarray(values.argmax(axis=1), np.int64)


def finished(values: Values, final: Final) -> Values:
    """The final function of real numbers [N, ...]; a softmax is over the classes, axis 1."""
    if final == "argmax":
        return classes(values)
    return np.asarray(softmax(values, axis=1) if final == "softmax" else expit(values))
