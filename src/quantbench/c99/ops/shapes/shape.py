"""Shape: a constant, from the shape that the network's input has; its batch stays a placeholder."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import BATCH, Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Constant, Value, Weights

NAME = "Shape"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"start", "end"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.value(node, 0)
    if isinstance(value, Constant):
        shape: tuple[int, ...] = value.array.shape
    elif isinstance(value, Weights):
        shape = value.values.shape
    else:
        shape = (context.network.batch or BATCH, *context.moved(node, 0).shape)
    begin, end = node.whole("start", 0), node.whole("end", len(shape))
    return Constant(np.array(shape[begin:end], np.int64))
