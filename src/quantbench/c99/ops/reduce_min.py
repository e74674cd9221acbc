"""ReduceMin: takes the smallest value over any axes behind the batch."""

from __future__ import annotations

from quantbench.c99.frontend import reducing
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "ReduceMin"
INPUTS = (1, 2)
ATTRIBUTES = reducing.ATTRIBUTES


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return reducing.reduced(context, node, "min", axes_from=18)
