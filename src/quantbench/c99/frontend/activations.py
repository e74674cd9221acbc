"""Activations that clamp: they are fused into the layer before them where there is one."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend.builder import Deferred, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Limits
from quantbench.c99.ir.graph import image_shape

_IMAGE = 3


def limited(context: Context, value: TensorRef | Deferred, where: str, limits: Limits) -> Deferred:
    """`value` clamped to `limits`, and with it the constants of steps such as paddings."""
    if isinstance(value, TensorRef):
        return Deferred(identity(context, value, where).core, value.shape, limits)
    steps = tuple(step.clipped(limits) for step in value.steps)
    return replace(value, limits=value.limits.then(limits), steps=steps)


def identity(context: Context, value: TensorRef, where: str) -> Deferred:
    """A tensor, in the shape in which it is seen, as an expression that may change its format."""
    tensor, shape = value.tensor, context.builder.tensors[value.tensor].shape
    if len(shape) > _IMAGE:  # between two steps that only move values
        tensor, shape = context.builder.seen(value), image_shape(value.shape)
    core = IdentityExpr(where, tensor, shape)
    return Deferred(core, value.shape)


def deferred(context: Context, value: TensorRef | Deferred, where: str) -> Deferred:
    """`value` as an expression; a tensor becomes one that may change its format."""
    return value if isinstance(value, Deferred) else identity(context, value, where)
