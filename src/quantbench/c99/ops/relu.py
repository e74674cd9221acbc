"""Relu: fused into the layer before it where there is one."""

from __future__ import annotations

from quantbench.c99.frontend.activations import limited
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import RELU
from quantbench.c99.frontend.functions import peeled
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value

NAME = "Relu"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return limited(context, peeled(context, node), node.where, RELU)
