"""Dropout: passes its input through; training mode isn't supported."""

from __future__ import annotations

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError

NAME = "Dropout"
INPUTS = (1, 3)
ATTRIBUTES = frozenset({"ratio", "seed"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    training = context.constant(node, 2)
    if training is not None and training.any():
        raise CompileError(f"{node.where}: it is supported as nothing but in training")
    return context.moved(node, 0)
