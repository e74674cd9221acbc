"""Gemm: computes alpha x W + beta b with constant weights; the input isn't transposed."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from quantbench.c99.frontend.builder import Deferred
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.linear import dense
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "Gemm"
INPUTS = (2, 3)
ATTRIBUTES = frozenset({"alpha", "beta", "transA", "transB"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    alpha, beta = (_factor(node, name) for name in ("alpha", "beta"))
    if node.whole("transA", 0) or alpha == 0:
        raise CompileError(f"{node.where}: transA 0 and an alpha other than 0 are supported")
    core = dense(context, node, transposed=bool(node.whole("transB", 0)), alpha=alpha)
    bias = context.addends(node, 2, core.scale, core.shape)
    return Deferred(replace(core, bias=tuple(beta * addend for addend in bias)), core.shape)


def _factor(node: OnnxNode, name: str) -> Fraction:
    value = node.real(name, 1.0)
    if not math.isfinite(value):
        raise CompileError(f"{node.where}: its {name} isn't finite")
    return exact(value)
