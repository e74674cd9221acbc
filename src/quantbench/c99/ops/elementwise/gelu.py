"""Gelu: x times the normal distribution's share below x, or its form with tanh."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import erf

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function, magnitude
from quantbench.c99.ir.graph import Reals
from quantbench.errors import CompileError

NAME = "Gelu"
INPUTS = (1, 1)
ATTRIBUTES = frozenset({"approximate"})
_EXACT_C = "0.5F * x * (1.0F + erff(x * 0.70710678F))"
_TANH_C = "0.5F * x * (1.0F + tanhf(0.79788456F * (x + 0.044715F * x * x * x)))"


def from_onnx(context: Context, node: OnnxNode) -> Value:
    form = node.text("approximate", "none")
    if form not in ("none", "tanh"):
        raise CompileError(f"{node.where}: approximate none and tanh are supported")
    function = Function("GELU", _exact, _EXACT_C, size=magnitude)
    if form == "tanh":
        function = Function("GELU with tanh", _by_tanh, _TANH_C, units=16, size=magnitude)
    return applied(context, node, function)


def _exact(x: Reals) -> Reals:
    return np.asarray(0.5 * x * (1 + erf(x / math.sqrt(2))))


def _by_tanh(x: Reals) -> Reals:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))
