"""AveragePool: averages windows of an image, with or without counting its pads."""

from __future__ import annotations

from quantbench.c99.frontend import pooling, windows
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "AveragePool"
INPUTS = (1, 1)
ATTRIBUTES = pooling.ATTRIBUTES | {"count_include_pad"}


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    window, shape = pooling.pool_window(node, value.shape)
    count_pads = bool(node.whole("count_include_pad", 0)) or not windows.padded(window)
    return pooling.average(context, node, value, window, shape, count_pads=count_pads)
