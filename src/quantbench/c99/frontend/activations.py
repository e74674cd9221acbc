"""Activations that clamp: taken up by the layer before them where there is one."""

from __future__ import annotations

from dataclasses import replace

from quantbench.c99.frontend.builder import Deferred, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Limits


def limited(context: Context, value: TensorRef | Deferred, where: str, limits: Limits) -> Deferred:
    """`value` within `limits`; the constants that steps have brought in are clamped, too."""
    if isinstance(value, TensorRef):
        return Deferred(identity(context, value, where).core, value.shape, limits)
    steps = tuple(step.clipped(limits) for step in value.steps)
    return replace(value, limits=value.limits.then(limits), steps=steps)


def identity(context: Context, value: TensorRef, where: str) -> Deferred:
    """A tensor that waits for another format, in the shape in which it is seen."""
    core = IdentityExpr(where, value.tensor, context.builder.tensors[value.tensor].shape)
    return Deferred(core, value.shape)


def deferred(context: Context, value: TensorRef | Deferred, where: str) -> Deferred:
    return value if isinstance(value, Deferred) else identity(context, value, where)
