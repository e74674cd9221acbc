"""Log: the natural logarithm."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, one

NAME = "Log"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    return applied(context, node, Function("log", np.log, "logf(x)", size=one))
