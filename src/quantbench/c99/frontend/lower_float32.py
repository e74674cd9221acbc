"""Nodes of float32, made once it is known what can be fused to one."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend import linear
from quantbench.c99.frontend.builder import COST, Builder
from quantbench.c99.frontend.values import (
    FREE,
    Joined,
    Largest,
    Limits,
    Mean,
    Padded,
    Pending,
    Real,
    Same,
    Shape,
    Sums,
    Total,
)
from quantbench.c99.ir.float32 import (
    Activate,
    Add,
    Clamp,
    Conv,
    Dense,
    FloatNode,
    Pad,
    Pool,
)
from quantbench.c99.ir.graph import Concat, Reshape, Tensor
from quantbench.errors import CompileError


class FloatBuilder(Builder):
    """The float32 graph while it grows. Tensors have the scale 1."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes: list[FloatNode] = []

    def input(self, name: str, shape: Shape) -> Real:
        return Real(self._add(name, shape), shape)

    def reshape(self, node: Reshape) -> None:
        self.nodes.append(node)

    def settled(self, value: Real | Pending) -> Real:
        if isinstance(value, Real):
            return value
        tensor = self._core(value.core, value.limits)
        for step in value.steps:
            tensor = self._step(step, tensor)
        return Real(tensor, value.shape)

    def _core(self, core: Sums | Mean | Total | Same | Joined, limits: Limits) -> str:
        """The name of its tensor, within the limits."""
        match core:
            case Sums():
                core, limits = linear.commuting(core, limits)
                if linear.averaged(core) == 1:  # then the limits of the sums are the only ones
                    core, limits = replace(core, limits=limits), FREE
                return self._clamped(core.where, self._sums(core), limits)
            case Mean():
                output = self._add(core.where, core.shape)
                pool = Pool(core.where, core.input, output, "average", core.window, core.count_pads)
                self.nodes.append(pool)
                return self._clamped(core.where, output, limits)
            case Total():
                output = self._add(core.where, core.shape)
                self.nodes.append(Add(core.where, core.inputs, output, _clamp(limits)))
                return output
            case Same():
                return self._clamped(core.where, core.input, limits)
            case Joined():
                parts = tuple(self.seen(self.settled(part)) for part in core.parts)
                output = self._add(core.where, core.shape)
                self.nodes.append(Concat(core.where, parts, output))
                return self._clamped(core.where, output, limits)

    def _sums(self, core: Sums) -> str:
        self.spend(core.weights.size + COST * len(core.weights))
        weights, bias = _folded(core)
        output = self._add(core.where, core.shape)
        clamp = _clamp(core.limits)
        if core.window is None:
            self.nodes.append(Dense(core.where, core.input, output, weights, bias, clamp))
            return output
        self.nodes.append(
            Conv(
                name=core.where,
                input=core.input,
                output=output,
                weights=weights,
                bias=bias,
                window=core.window,
                groups=core.groups,
                clamp=clamp,
                pooling=core.pooling,
            )
        )
        return output

    def _clamped(self, where: str, tensor: str, limits: Limits) -> str:
        if limits == FREE:
            return tensor
        output = self._add(where, self.tensors[tensor].shape)
        self.nodes.append(Activate(where, tensor, output, _clamp(limits)))
        return output

    def _step(self, step: Padded | Largest, tensor: str) -> str:
        output = self._add(step.where, step.shape)
        if isinstance(step, Padded):
            self.nodes.append(Pad(step.where, tensor, output, step.pads, float(step.value)))
        else:
            self.nodes.append(Pool(step.where, tensor, output, "max", step.window, False))
        return output

    def _add(self, name: str, shape: Shape) -> str:
        return self.keep(Tensor(name, shape, "float32", (1.0,)))


def _folded(core: Sums) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights and bias with the scale of each channel, rounded to float32 once."""
    scale = np.array([float(one) for one in core.scale])
    weights = core.weights * scale.reshape(-1, *[1] * (core.weights.ndim - 1))
    bias = np.array([_real(b * s) for b, s in zip(core.bias, core.scale, strict=True)])
    with np.errstate(over="ignore"):
        found = weights.astype(np.float32), bias.astype(np.float32)
    if not all(np.isfinite(one).all() for one in found):
        raise CompileError(f"{core.where}: folded, its weights or bias are beyond float32")
    return found


def _real(number: Fraction) -> float:
    """Infinite beyond float64."""
    try:
        return float(number)
    except OverflowError:
        return np.inf


def _clamp(limits: Limits) -> Clamp:
    return Clamp(*(None if one is None else float(one) for one in (limits.low, limits.high)))
