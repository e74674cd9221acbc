"""Clip: clamps between constants; fused into the layer before it where there is one."""

from __future__ import annotations

import math
from fractions import Fraction

from quantbench.c99.frontend.activations import limited
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Limits
from quantbench.c99.frontend.functions import peeled
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "Clip"
INPUTS = (1, 3)
ATTRIBUTES = frozenset({"min", "max"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = peeled(context, node)
    if context.network.opset < 11:
        low: float | None = node.real("min", -math.inf)
        high: float | None = node.real("max", math.inf)
    else:
        low, high = context.number(node, 1), context.number(node, 2)
    limits = Limits(_finite(low), _finite(high))
    nan = any(limit is not None and math.isnan(limit) for limit in (low, high))
    if nan or low == math.inf or high == -math.inf:
        raise CompileError(f"{node.where}: its limits aren't numbers")
    if limits.low is not None and limits.high is not None and limits.low > limits.high:
        raise CompileError(f"{node.where}: its lower limit is above its upper one")
    return limited(context, value, node.where, limits)


def _finite(value: float | None) -> Fraction | None:
    return None if value is None or not math.isfinite(value) else exact(value)
