"""Softplus: log(1 + exp(x))."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, one

NAME = "Softplus"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    c = "(x > 0.0F ? x : 0.0F) + log1pf(expf(-fabsf(x)))"
    return applied(context, node, Function("softplus", lambda x: np.logaddexp(0, x), c, size=one))
