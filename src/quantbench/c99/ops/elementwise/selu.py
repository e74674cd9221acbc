"""Selu: gamma alpha (exp(x) - 1) below 0, else gamma x."""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied, finite
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function

NAME = "Selu"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"alpha", "gamma"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    alpha = finite(node, "alpha", 1.67326319217681884765625)
    gamma = finite(node, "gamma", 1.05070102214813232421875)
    function = Function(
        "SELU",
        lambda x: gamma * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x),
        f"{real(gamma)} * (x < 0.0F ? {real(alpha)} * expm1f(x) : x)",
        size=lambda x: np.where(x < 0, abs(alpha * gamma), 0.0),
    )
    return applied(context, node, function)
