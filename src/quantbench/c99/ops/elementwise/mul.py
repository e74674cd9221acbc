"""Mul: multiplies by a constant, which a layer before it takes in, or by another activation."""

from __future__ import annotations

from fractions import Fraction

from quantbench.c99.frontend.binary import (
    ProductExpr,
    combined_floats,
    elementwise,
    pair,
    result_shape,
)
from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import MULTIPLY

NAME = "Mul"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return elementwise(context, node, MULTIPLY, _tensors, _line, _line)


def _line(constant: Fraction) -> tuple[Fraction, Fraction]:
    return constant, Fraction(0)


def _tensors(context: Context, node: OnnxNode) -> Value:
    if context.builder.held:
        return combined_floats(context, node, MULTIPLY)
    tensors, shape = pair(context, node)
    seen = result_shape(context.builder, tensors)
    return Deferred(ProductExpr(node.where, tensors, seen), shape)
