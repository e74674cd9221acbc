"""Max: the larger of two activations, or of one and a constant, which limits it."""

from __future__ import annotations

from quantbench.c99.frontend.binary import extreme
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import MAXIMUM

NAME = "Max"
INPUTS = (1, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return extreme(context, node, MAXIMUM)
