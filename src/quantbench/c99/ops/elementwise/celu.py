"""Celu: alpha (exp(x / alpha) - 1) below 0, else x."""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied, finite
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function
from quantbench.errors import CompileError

NAME = "Celu"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"alpha"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    alpha = finite(node, "alpha", 1.0)
    if alpha == 0:
        raise CompileError(f"{node.where}: an alpha other than 0 is supported")
    function = Function(
        "CELU",
        lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0) / alpha), x),
        f"x < 0.0F ? {real(alpha)} * expm1f(x / {real(alpha)}) : x",
        size=lambda x: np.where(x < 0, abs(alpha), 0.0),
    )
    return applied(context, node, function)
