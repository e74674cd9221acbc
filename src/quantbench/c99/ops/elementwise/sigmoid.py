"""Sigmoid: 1 / (1 + exp(-x)); at the end, where nothing quantizes it, it is left to the caller."""

from __future__ import annotations

from scipy.special import expit

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied, is_of_integers
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Probabilities, Value
from quantbench.c99.ir.functions import Function, one

NAME = "Sigmoid"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    if context.network.quantized and context.follower(node) is None:
        behind = context.reader(node.outputs[0])
        if behind is None or not is_of_integers(context, node):
            return Probabilities(context.activation(node, 0), node.inputs[0], "sigmoid")
    return applied(context, node, Function("sigmoid", expit, "1.0F / (1.0F + expf(-x))", size=one))
