"""ArgMax: the class of the largest score, at the end of the network; left to the caller in C."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Probabilities, Quantized, Value
from quantbench.errors import CompileError

NAME = "ArgMax"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"axis", "keepdims", "select_last_index"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    given = context.value(node, 0)
    one_scale = isinstance(given, Quantized) and not given.format.by_channel
    value = given.ref if isinstance(given, Quantized) and one_scale else context.activation(node, 0)
    if node.whole("axis", 0) not in (1, -len(value.shape)):
        raise CompileError(f"{node.where}: it is supported at the end, over the classes, axis 1")
    if node.whole("select_last_index", 0):
        raise CompileError(f"{node.where}: of equal scores the first is supported, not the last")
    keeps = bool(node.whole("keepdims", 1))
    return Probabilities(value, node.inputs[0], "argmax", keeps_axis=keeps)
