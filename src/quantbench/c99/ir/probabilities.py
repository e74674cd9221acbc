"""The Softmax or Sigmoid at the end of a network, computed outside of the generated code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from quantbench.c99.ir.graph import Final, Graph, Values
from quantbench.c99.ir.interpreter import dequantized, quantized


def answers(values: NDArray[np.float32], graph: Graph) -> NDArray[np.float32]:
    """The network's answers, float32 [N, K], from its output as real numbers.

    Where a final function follows, it is applied, and rounded where the file rounds it. The answers
    are integers, held as float32, where the file's output is.
    """
    if not graph.final:
        return values
    probabilities = np.asarray(finished(values, graph.final), np.float32)
    if graph.rounded is None:
        return probabilities
    integers = quantized(probabilities, graph.rounded)
    if graph.own_output:
        return np.asarray(integers, np.float32)
    return dequantized(integers, graph.rounded)


def finished(values: Values, final: Final) -> Values:
    """The final function of real numbers [N, ...]; a softmax is over the classes, axis 1."""
    return np.asarray(softmax(values, axis=1) if final == "softmax" else expit(values))
