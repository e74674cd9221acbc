"""GlobalMaxPool: takes the largest value of the whole image in each channel."""

from __future__ import annotations

from quantbench.c99.frontend import pooling
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "GlobalMaxPool"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    window, shape = pooling.whole_image(node, value.shape)
    return pooling.largest(context, node, value, window, shape)
