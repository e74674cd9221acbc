"""HardSigmoid: alpha x + beta, clamped to [0, 1]."""

from __future__ import annotations

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied, finite
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function

NAME = "HardSigmoid"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"alpha", "beta"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    alpha, beta = finite(node, "alpha", 0.2), finite(node, "beta", 0.5)
    line = f"{real(alpha)} * x + {real(beta)}"
    function = Function(
        "hard sigmoid",
        lambda x: np.clip(alpha * x + beta, 0, 1),
        f"fminf(fmaxf({line}, 0.0F), 1.0F)",
        units=4,
        size=lambda x: np.abs(alpha * x) + abs(beta),
    )
    return applied(context, node, function)
