"""Operators that compute nothing: reshapes, and inputs that later steps can follow."""

from __future__ import annotations

import math
from dataclasses import replace

from quantbench.c99.frontend.activations import identity
from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import GraphInput, Quantized, Value
from quantbench.c99.ir.graph import Shape, image_shape
from quantbench.c99.ir.sizes import MAX_NUMBERS
from quantbench.errors import CompileError

_MAX_STEPS = 8


def reshaped(
    node: OnnxNode, value: TensorRef | Deferred | GraphInput | Quantized, shape: Shape, *,
    kept: bool,
) -> Value:  # fmt: skip
    """`value` in another shape of the same size.

    `kept`: whether the batch stays in front. Raises CompileError unless it does.
    """
    fits = all(0 < size <= MAX_NUMBERS for size in shape) and len(shape) <= 8
    if not kept or not fits or math.prod(shape) != math.prod(value.shape):
        raise CompileError(
            f"{node.where}: from {[*value.shape]} to {[*shape][:8]}; shapes of the same size that "
            "keep the batch in front are supported"
        )
    if isinstance(value, Quantized):
        return replace(value, ref=replace(value.ref, shape=shape))
    if isinstance(value, Deferred) and value.steps:
        *before, last = value.steps
        return replace(value, shape=shape, steps=(*before, last.with_shape(shape)))
    return replace(value, shape=shape)


def axes_of(context: Context, node: OnnxNode) -> tuple[int, ...] | None:
    """The axes of Squeeze and Unsqueeze; None where they are omitted."""
    if context.network.opset < 13:
        return node.wholes("axes")
    return context.wholes(node, 1)


def before_step(context: Context, node: OnnxNode, value: TensorRef | Deferred) -> Deferred:
    """The node's input as an expression that another step after the rounding can follow."""
    if isinstance(value, TensorRef):
        return _held(context, node, value)
    last = value.steps[-1].shape if value.steps else value.core.shape
    if image_shape(value.shape) != image_shape(last) or len(value.steps) >= _MAX_STEPS:
        return _held(context, node, context.settled(node, 0))
    return value


def _held(context: Context, node: OnnxNode, ref: TensorRef) -> Deferred:
    seen = TensorRef(context.builder.seen(ref), ref.shape)
    return identity(context, seen, node.where)


def same(context: Context, node: OnnxNode) -> Value:
    """The node's input, unchanged."""
    value = context.value(node, 0)
    if value is None:
        raise CompileError(f"{node.where}: it has no input")
    return value
