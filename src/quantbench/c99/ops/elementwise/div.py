"""Div: divides by a constant, or a constant by an activation; in float32 any two activations."""

from __future__ import annotations

from fractions import Fraction

from quantbench.c99.frontend.binary import combined_floats, elementwise
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import DIVIDE
from quantbench.errors import CompileError

NAME = "Div"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    def line(constant: Fraction) -> tuple[Fraction, Fraction]:
        if constant == 0:
            raise CompileError(f"{node.where}: it divides by 0")
        return 1 / constant, Fraction(0)

    return elementwise(context, node, DIVIDE, _tensors, line, None)


def _tensors(context: Context, node: OnnxNode) -> Value:
    if context.builder.held:
        return combined_floats(context, node, DIVIDE)
    raise CompileError(
        f"{node.where}: of integers, a divisor that is constant, or made of the same tensor as the "
        "dividend, is supported"
    )
