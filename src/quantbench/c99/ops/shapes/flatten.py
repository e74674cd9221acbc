"""Flatten: makes a vector of each sample."""

from __future__ import annotations

import math

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.shapes import reshaped
from quantbench.c99.frontend.values import Value

NAME = "Flatten"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"axis"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.moved(node, 0)
    kept = node.whole("axis", 1) in (1, -len(value.shape))
    return reshaped(node, value, (math.prod(value.shape),), kept=kept)
