"""Constant: holds one tensor of numbers."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Constant, Value
from quantbench.errors import CompileError

NAME = "Constant"
INPUTS = (0, 0)
ATTRIBUTES = frozenset({"value", "value_int", "value_ints", "value_float", "value_floats"})


def from_onnx(context: Context, node: OnnxNode) -> Value:  # noqa: ARG001
    if len(node.attributes) == 1:
        (value,) = node.attributes.values()
        if isinstance(value, np.ndarray):
            return Constant(value)
        if isinstance(value, float):
            return Constant(np.array(value, np.float32))
        if isinstance(value, int):
            return Constant(np.array(value, np.int64))
        if isinstance(value, tuple):
            kind = np.float32 if "value_floats" in node.attributes else np.int64
            return Constant(np.array(value, kind))
    raise CompileError(f"{node.where}: one value, of numbers, is supported")
