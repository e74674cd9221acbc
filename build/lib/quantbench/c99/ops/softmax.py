"""Softmax: supported at the end, over the classes; computed in float, outside of the graph."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Probabilities, Value
from quantbench.errors import CompileError

NAME = "Softmax"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"axis"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.activation(node, 0)
    axis = node.whole("axis", 1 if context.network.opset < 13 else -1)
    if len(value.shape) != 1 or axis not in (1, -1):
        raise CompileError(f"{node.where}: it is supported at the end, over the classes [N, K]")
    return Probabilities(value, node.inputs[0])
