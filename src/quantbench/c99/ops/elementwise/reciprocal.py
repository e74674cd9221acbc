"""Reciprocal: 1 / x."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function

NAME = "Reciprocal"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return applied(context, node, Function("reciprocal", lambda x: 1 / x, "1.0F / x", units=0))
