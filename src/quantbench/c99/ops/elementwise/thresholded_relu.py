"""ThresholdedRelu: x above alpha, else 0."""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied, finite
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function

NAME = "ThresholdedRelu"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"alpha"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    alpha = finite(node, "alpha", 1.0)
    c = f"x > {real(alpha)} ? x : 0.0F"
    function = Function("thresholded ReLU", lambda x: np.where(x > alpha, x, 0.0), c, units=0)
    return applied(context, node, function)
