"""MatMul: multiplies an activation by constant weights."""

from __future__ import annotations

from fractions import Fraction

from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.linear import dense
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "MatMul"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    core = dense(context, node, transposed=False, alpha=Fraction(1))
    return Deferred(core, core.shape)
