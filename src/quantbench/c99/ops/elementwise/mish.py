"""Mish: x tanh(log(1 + exp(x)))."""

from __future__ import annotations

import numpy as np

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, magnitude

NAME = "Mish"
INPUTS = (1, 1)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    softplus = "(x > 0.0F ? x : 0.0F) + log1pf(expf(-fabsf(x)))"
    mish = Function(
        "mish",
        lambda x: x * np.tanh(np.logaddexp(0, x)),
        f"x * tanhf({softplus})",
        units=16,
        size=magnitude,
    )
    return applied(context, node, mish)
