"""Sigmoid: 1 / (1 + exp(-x))."""

from __future__ import annotations

from scipy.special import expit

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, one

NAME = "Sigmoid"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return applied(context, node, Function("sigmoid", expit, "1.0F / (1.0F + expf(-x))", size=one))
