"""Pow: x to the power of one constant."""

from __future__ import annotations

import math

import numpy as np

from quantbench.c99.emit.c_syntax import real
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.functions import applied
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.functions import Function
from quantbench.errors import CompileError

NAME = "Pow"
INPUTS = (2, 2)
ATTRIBUTES: frozenset[str] = frozenset()


def from_onnx(context: Context, node: OnnxNode) -> Value:
    stored = context.constant(node, 1)
    if stored is None or stored.size != 1 or stored.dtype.kind not in "fi":
        raise CompileError(f"{node.where}: one constant number is supported as the power")
    power = float(np.float32(stored.reshape(-1)[0]))
    if not math.isfinite(power):
        raise CompileError(f"{node.where}: its power isn't finite")
    function = Function(
        f"power {power:g}", lambda x: np.power(x, power), f"powf(x, {real(power)})", units=16
    )
    return applied(context, node, function)
