"""Reductions over any axes behind the batch: a pooling of the whole, once these axes are last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from quantbench.c99.frontend import pooling
from quantbench.c99.frontend.builder import Deferred, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.rearranging import axis_behind_batch, moved, require_few
from quantbench.c99.frontend.shapes import reshaped
from quantbench.c99.frontend.values import Value
from quantbench.c99.ir.graph import Shape, Window
from quantbench.errors import CompileError

ATTRIBUTES = frozenset({"axes", "keepdims", "noop_with_empty_axes"})
Kind = Literal["average", "sum", "max", "min"]


def reduced(context: Context, node: OnnxNode, kind: Kind, *, axes_from: int) -> Value:
    """The mean, the sum, the largest or the smallest value over the node's axes.

    `axes_from`: the operator set from which they are an input. Raises CompileError where the batch
    is among them.
    """
    value = context.activation(node, 0)
    rank = len(value.shape) + 1
    axes = _axes(context, node, rank, axes_from)
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(value.shape, start=1))
    kept = tuple(size for axis, size in enumerate(value.shape, start=1) if axis not in axes)
    if axes == [*range(2, rank)] and rank in (3, 4) and kind != "sum":
        window, small = pooling.whole_image(node, value.shape)
        pooled = _pooled(context, node, value, window, small, kind)
    else:
        pooled = _pooled(context, node, *_last(context, node, axes), kind)
    wanted = shape if node.whole("keepdims", 1) else kept or (1,)
    if not node.whole("keepdims", 1) and not kept:
        raise CompileError(f"{node.where}: no dimension would be left; keepdims is supported")
    return reshaped(node, pooled, wanted, kept=True)


def whole_images(context: Context, node: OnnxNode, rank: int) -> bool:
    """Whether a ReduceMean averages images or signals, and so can be fused behind a layer."""
    return rank in (3, 4) and _axes(context, node, rank, 18) == [*range(2, rank)]


def _axes(context: Context, node: OnnxNode, rank: int, axes_from: int) -> list[int]:
    given = node.wholes("axes") if context.network.opset < axes_from else context.wholes(node, 1)
    axes = sorted(axis_behind_batch(node, axis, rank) for axis in given or ())
    if not axes or axes[0] == 0 or len({*axes}) < len(axes):
        raise CompileError(
            f"{node.where}: it reduces the batch, or nothing; axes behind the batch are supported"
        )
    return axes


def _last(
    context: Context, node: OnnxNode, axes: Sequence[int]
) -> tuple[TensorRef | Deferred, Window, Shape]:
    """The input as an image of one row whose places are the reduced axes, and its window."""
    ref = context.settled(node, 0)
    require_few(node, ref.shape)
    others = [axis for axis in range(1, len(ref.shape) + 1) if axis not in axes]
    order = [axis - 1 for axis in (*others, *axes)]
    places = np.arange(math.prod(ref.shape), dtype=np.int64).reshape(ref.shape).transpose(order)
    count = math.prod(ref.shape[axis - 1] for axis in axes)
    channels = places.size // count
    image = moved(context, node, ref, places.reshape(-1), (channels, 1, count))
    held = context.builder.settled(image) if isinstance(image, Deferred) else image
    if not isinstance(held, TensorRef):
        raise CompileError(f"{node.where}: its input isn't quantized")
    return held, Window((1, count), strides=(1, count)), (channels, 1, 1)


def _pooled(
    context: Context, node: OnnxNode, value: TensorRef | Deferred, window: Window, shape: Shape,
    kind: Kind,
) -> Deferred:  # fmt: skip
    if kind == "max":
        return pooling.largest(context, node, value, window, shape)
    if kind == "min":
        return pooling.smallest(context, node, value, shape)
    if kind == "average" and isinstance(value, Deferred):
        return pooling.average(context, node, value, window, shape, count_pads=True)
    ref = value if isinstance(value, TensorRef) else context.settled(node, 0)
    tensor = context.builder.seen(ref)
    core = pooling.AvgPoolExpr(node.where, tensor, shape, window, True, summed=kind == "sum")
    return Deferred(core, shape)
