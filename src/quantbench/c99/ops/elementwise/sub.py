"""Sub: subtracts a constant, which a layer before it takes in, or another activation."""

from __future__ import annotations

from fractions import Fraction

from quantbench.c99.frontend.binary import combined_floats, elementwise
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import SUBTRACT
from quantbench.errors import CompileError

NAME = "Sub"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return elementwise(
        context, node, SUBTRACT, _tensors, lambda c: (Fraction(1), -c), lambda c: (Fraction(-1), c)
    )


def _tensors(context: Context, node: OnnxNode) -> Value:
    if context.builder.held:
        return combined_floats(context, node, SUBTRACT)
    raise CompileError(
        f"{node.where}: of integers, a subtrahend that is constant, or made of the same tensor as "
        "the minuend, is supported"
    )
