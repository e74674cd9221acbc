"""Operators that choose and reorder values: each is one index into the values before it.

An index counts values in ONNX's order, so that shapes between two operators don't matter, and two
in a row become one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.activations import deferred
from quantbench.c99.frontend.builder import Anywhere, Builder, Deferred, TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Format, format_of
from quantbench.c99.frontend.reader import OnnxNode, shown
from quantbench.c99.frontend.shapes import reshaped
from quantbench.c99.frontend.values import Constant, GraphInput, Quantized, Value
from quantbench.c99.ir.graph import Order, Shape, image_shape
from quantbench.c99.nodes.rearrange import Rearrange
from quantbench.errors import CompileError

Choice = Callable[[NDArray[Any]], NDArray[Any]]
"""An array with the batch in front -> the chosen values, in their order, with the batch in front"""
_MAX_PLACES = 2**23
_MAX_RANK = 8


def rearranged(context: Context, node: OnnxNode, choose: Choice) -> Value:
    """The values of the node's first input that `choose` picks, a constant's as well.

    Raises CompileError where the batch doesn't stay in front, and for too many values.
    """
    value = context.value(node, 0)
    if isinstance(value, Constant):
        return Constant(_chosen(node, value.array, choose))
    activation = context.moved(node, 0)
    shape = activation.shape
    if math.prod(shape) > _MAX_PLACES:
        raise _too_many(node, math.prod(shape))
    places = np.arange(math.prod(shape), dtype=np.int64).reshape(1, *shape)
    chosen = _chosen(node, places, choose)
    if chosen.ndim < 2 or chosen.shape[0] != 1:
        raise CompileError(f"{node.where}: it is supported where the batch stays in front")
    context.builder.spend(8 * chosen.size)
    return moved(context, node, activation, chosen.reshape(-1), chosen.shape[1:])


def moved(
    context: Context,
    node: OnnxNode,
    value: TensorRef | Deferred | GraphInput | Quantized,
    index: Order,
    shape: Shape,
) -> Value:
    """The values of `value` at `index`, in `shape`."""
    if len(index) == math.prod(value.shape) and (index == np.arange(len(index))).all():
        return reshaped(node, value, shape, kept=True)
    if isinstance(value, GraphInput):
        value = context.to_be_moved(node, 0)
    if isinstance(value, Quantized):
        real = stepped(context, node, value.ref, index, shape)
        format = replace(value.format, raised=())  # places may be of other channels now
        ref = context.builder.place(shown(node.outputs[0]), real, format)
        return Quantized(ref, context.builder.format(ref.tensor))
    return stepped(context, node, value, index, shape)


def stepped(
    context: Context, node: OnnxNode, value: TensorRef | Deferred, index: Order, shape: Shape
) -> Deferred:
    """`value` with one step more; a step of the same kind before it is joined with it."""
    before = deferred(context, value, node.where)
    steps = before.steps
    if steps and isinstance(steps[-1], Rearranged):
        index, steps = steps[-1].index[index], steps[:-1]
    step = Rearranged(node.where, index, image_shape(shape))
    return replace(before, steps=(*steps, step), shape=shape, grid=None)


@dataclass(frozen=True, eq=False)
class Rearranged(Anywhere):
    """The values at `index` of a tensor: rounding doesn't see places."""

    where: str
    index: Order
    shape: Shape
    keeps_channels: ClassVar[bool] = False

    def lower(self, builder: Builder, name: str, tensor: str) -> str:
        format = builder.format(tensor)
        if format.by_channel:
            each = builder.tensors[tensor].size // len(format.by_channel)
            sources = np.repeat(np.asarray(format.by_channel), each)[self.index]
            format = format_of(self._alike(sources.reshape(self.shape[0], -1)), format)
        output = builder.add(name, self.shape, format)
        builder.nodes.append(Rearrange(self.where, tensor, output, self.index))
        return output

    def before(self, format: Format, shape: Shape) -> Format:
        if not format.by_channel:
            return format
        channels = shape[0]
        wanted = np.repeat(format.by_channel, len(self.index) // len(format.by_channel))
        sources = self.index // (math.prod(shape) // channels)
        scales = np.full(channels, max(format.by_channel))
        scales[sources] = wanted
        if (scales[sources] != wanted).any():
            raise self._mixed()
        return format_of(tuple(scales.tolist()), format)

    def with_shape(self, shape: Shape) -> Rearranged:
        """The same values in another shape."""
        return replace(self, shape=image_shape(shape))

    def _alike(self, scales: NDArray[np.float64]) -> tuple[float, ...]:
        if (scales != scales[:, :1]).any():
            raise self._mixed()
        return tuple(scales[:, 0].tolist())

    def _mixed(self) -> CompileError:
        return CompileError(
            f"{self.where}: it mixes channels of a tensor that has a scale for each; one scale is "
            "supported"
        )


def _chosen(node: OnnxNode, array: NDArray[Any], choose: Choice) -> NDArray[Any]:
    """The chosen values. Raises CompileError where they are none or too many."""
    chosen = choose(array)
    require_few(node, (*chosen.shape, 1)[: _MAX_RANK + 1])
    return chosen


def _too_many(node: OnnxNode, number: int) -> CompileError:
    return CompileError(
        f"{node.where}: {number:,} values; 1 to {_MAX_PLACES:,} in up to {_MAX_RANK} dimensions "
        "are supported"
    )


def require_few(node: OnnxNode, shape: Sequence[int]) -> None:
    """Raise CompileError where a shape has too many values, before they are made."""
    if not 0 < math.prod(shape) <= _MAX_PLACES or len(shape) > _MAX_RANK:
        raise _too_many(node, math.prod(shape))


def axis_behind_batch(node: OnnxNode, axis: int, rank: int) -> int:
    """The axis, counted from the front. Raises CompileError for one that isn't there."""
    if not -rank <= axis < rank:
        raise CompileError(f"{node.where}: axis {axis} of {rank} dimensions isn't there")
    return axis % rank
