"""ConstantOfShape: fills a constant shape with one number."""

from __future__ import annotations

import math

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Constant, Value
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import CompileError

NAME = "ConstantOfShape"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"value"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    shape = context.wholes(node, 0)
    value = node.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise CompileError(f"{node.where}: one value, of a tensor, is supported")
    if shape is None or not all(0 <= size <= MAX_NUMBERS for size in shape):
        raise CompileError(f"{node.where}: a shape of sizes up to {MAX_NUMBERS:,} is supported")
    context.builder.spend(math.prod(shape))
    return Constant(np.full(shape, value.reshape(-1)[0]))
