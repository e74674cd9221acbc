"""HardSwish: x times x / 6 + 1 / 2, which is clamped to [0, 1]."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, magnitude

NAME = "HardSwish"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    function = Function(
        "hard swish",
        lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
        "x * fminf(fmaxf(x * (1.0F / 6.0F) + 0.5F, 0.0F), 1.0F)",
        units=6,
        size=magnitude,
    )
    return applied(context, node, function)
