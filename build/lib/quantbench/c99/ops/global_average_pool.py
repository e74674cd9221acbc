"""GlobalAveragePool: averages the whole image in each channel."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.pooling import global_average
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "GlobalAveragePool"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return global_average(context, node)
