"""A Softmax at the end of a network: in float, beside the core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import dequantized, quantized


def answers(values: NDArray[np.float32], graph: Graph) -> NDArray[np.float32]:
    """The answers of the network, float32 [N, K], for its output as real numbers: these, or their
    Softmax, rounded where the file rounds it; as integers where the network gives those.
    """
    if not graph.softmax:
        return values
    probabilities = np.asarray(softmax(values, axis=1), np.float32)
    if graph.rounded is None:
        return probabilities
    integers = quantized(probabilities, graph.rounded)
    if graph.own_output:
        return np.asarray(integers, np.float32)
    return dequantized(integers, graph.rounded)
