"""A Softmax at the end of a network: in float, beside the core."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.graph import LIMITS, GraphOf


def probabilities(logits: NDArray[np.float32], graph: GraphOf[Any]) -> NDArray[np.float32]:
    """Of logits [N, K]; as the integers that stand for them where the network gives those."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found = np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float32)
    if graph.rounded is None or graph.own_output is None:
        return found
    scale, zero_point = graph.rounded
    steps = np.rint(found / np.float32(scale)) + zero_point
    return np.asarray(np.clip(steps, *LIMITS[graph.own_output]), np.float32)
