"""BatchNormalization: folded into the layer before it, else a factor and a constant by channel."""

from __future__ import annotations

import math
from fractions import Fraction

from quantbench.c99.frontend.affine import affine
from quantbench.c99.frontend.binary import constant
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import Value
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "BatchNormalization"
INPUTS = (5, 5)
ATTRIBUTES = frozenset({"epsilon", "momentum", "training_mode"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    if node.whole("training_mode", 0):
        raise CompileError(f"{node.where}: it is supported with training_mode 0")
    channels = context.activation(node, 0).shape[0]
    gain, shift, mean, variance = (_vector(context, node, at, channels) for at in range(1, 5))
    epsilon = node.real("epsilon", 1e-5)
    spread = [float(number) + epsilon for number in variance]
    if not all(0 < number < math.inf for number in spread):
        raise CompileError(f"{node.where}: its variance isn't positive")
    factors = [g / exact(math.sqrt(number)) for g, number in zip(gain, spread, strict=True)]
    constants = [t - m * f for t, m, f in zip(shift, mean, factors, strict=True)]
    return affine(context, node, 0, factors, constants)


def _vector(context: Context, node: OnnxNode, at: int, size: int) -> list[Fraction]:
    values = constant(context, node, at)
    if values.shape != (size,):
        raise CompileError(f"{node.where}: its input {at + 1} is supported as float32 [{size}]")
    return [exact(number) for number in values.tolist()]
