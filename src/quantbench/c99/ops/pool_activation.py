"""Activations and poolings: fused behind a layer where there is one, else by themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

from quantbench.c99.frontend import windows
from quantbench.c99.frontend.context import State, channels_and_image
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import (
    FREE,
    RELU,
    Largest,
    Limits,
    Mean,
    Padded,
    Pending,
    Real,
    Same,
    Shape,
    Sums,
    Value,
)
from quantbench.c99.ir.graph import Pooling, Window
from quantbench.c99.ops.shape import stepped
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact


def relu(state: State, node: OnnxNode) -> Value:
    return limited(state, state.activation(node, 0), node.where, RELU)


def clip(state: State, node: OnnxNode) -> Value:
    value = state.activation(node, 0)
    if state.network.opset < 11:
        low: float | None = node.real("min", -math.inf)
        high: float | None = node.real("max", math.inf)
    else:
        low, high = state.number(node, 1), state.number(node, 2)
    limits = Limits(_finite(low), _finite(high))
    wrong = any(one is not None and math.isnan(one) for one in (low, high))
    if wrong or low == math.inf or high == -math.inf or limits.clipped(Fraction(0)) is None:
        raise CompileError(f"{node.where}: its limits aren't numbers")
    if limits.low is not None and limits.high is not None and limits.low > limits.high:
        raise CompileError(f"{node.where}: its lower limit is above its upper one")
    return limited(state, value, node.where, limits)


def limited(state: State, value: Real | Pending, where: str, limits: Limits) -> Pending:
    """An activation; what was padded on is limited, too."""
    if isinstance(value, Real):
        core = Same(where, value.tensor, state.builder.tensors[value.tensor].shape)
        return Pending(core, value.shape, limits)
    steps = tuple(
        replace(step, value=limits.clipped(step.value)) if isinstance(step, Padded) else step
        for step in value.steps
    )
    return replace(value, limits=value.limits.then(limits), steps=steps)


def average_pool(state: State, node: OnnxNode) -> Value:
    value = state.activation(node, 0)
    window, shape = pool_window(node, value.shape)
    counted = bool(node.whole("count_include_pad", 0)) or not windows.padded(window)
    return _average(state, node, value, window, shape, counted=counted)


def global_average_pool(state: State, node: OnnxNode) -> Pending:
    value = state.activation(node, 0)
    channels, height, width = channels_and_image(node, value.shape)
    window = Window((height, width), strides=(height, width))
    return _average(state, node, value, window, (channels, 1, 1), counted=True)


def reduce_mean(state: State, node: OnnxNode) -> Value:
    """As exporters write GlobalAveragePool."""
    axes = node.wholes("axes") if state.network.opset < 18 else state.wholes(node, 1)
    rank = len(state.activation(node, 0).shape) + 1
    if rank != 4 or axes is None or sorted(axis % 4 for axis in axes) != [2, 3]:
        raise CompileError(
            f"{node.where}: of [N, C, H, W], the axes 2 and 3 together are supported"
        )
    pending = global_average_pool(state, node)
    return pending if node.whole("keepdims", 1) else replace(pending, shape=pending.shape[:1])


def max_pool(state: State, node: OnnxNode) -> Value:
    value = state.activation(node, 0)
    window, shape = pool_window(node, value.shape)
    if node.whole("storage_order", 0):
        raise CompileError(f"{node.where}: storage_order 0 is supported")
    core = poolable(value)
    fits = windows.apart(window) and not windows.padded(window)
    if core and fits and isinstance(value, Pending):
        fused = replace(core, pooling=Pooling("max", window), shape=shape)
        return replace(value, core=fused, shape=shape, grid=None)
    pending = stepped(state, node, value)
    step = Largest(node.where, window, shape)
    return replace(pending, steps=(*pending.steps, step), shape=shape)


def pool_window(node: OnnxNode, shape: Shape) -> tuple[Window, Shape]:
    """Of AveragePool and MaxPool, and the shape of their output."""
    channels, *image = channels_and_image(node, shape)
    size = (image[0], image[1])
    window = windows.window(node, windows.kernel_shape(node), size)
    (kh, kw), (top, left, bottom, right) = window.kernel, window.pads
    spread = window.dilations != (1, 1)
    if max(top, bottom) >= kh or max(left, right) >= kw or (spread and any(window.pads)):
        raise CompileError(
            f"{node.where}: pads smaller than the kernel, and none with dilations, are supported"
        )
    return window, (channels, *windows.places(node, window, size))


def poolable(value: Value) -> Sums | None:
    """A layer that a pooling can be fused behind."""
    if not isinstance(value, Pending) or not isinstance(value.core, Sums) or not value.plain:
        return None
    return value.core if value.core.pooling is None and len(value.shape) == 3 else None


def _average(
    state: State,
    node: OnnxNode,
    value: Real | Pending,
    window: Window,
    shape: Shape,
    *,
    counted: bool,
) -> Pending:
    core = poolable(value)
    if core and isinstance(value, Pending) and not windows.padded(window):
        pooling = Pooling("average", window)
        fused = replace(core, limits=value.limits, pooling=pooling, shape=shape)
        return Pending(fused, shape, slack=value.slack)
    tensor, _ = state.image(node, 0)
    mean = Mean(node.where, tensor, shape, window, count_pads=counted)
    return Pending(mean, shape, FREE)


def _finite(value: float | None) -> Fraction | None:
    return None if value is None or not math.isfinite(value) else exact(value)
