"""Operators that compute nothing: other shapes, frames, networks side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from quantbench.c99.frontend.context import State, channels_and_image
from quantbench.c99.frontend.reader import MOST_NUMBERS, OnnxNode
from quantbench.c99.frontend.values import (
    Constant,
    Image,
    Joined,
    Padded,
    Pending,
    Probabilities,
    Quantized,
    Real,
    Same,
    Shape,
    Value,
    Weights,
)
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

_FLOAT32 = 1
_TYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 11: np.float64,
}  # fmt: skip
"""By their numbers in ONNX."""
_MOST_STEPS = 8


def same(state: State, node: OnnxNode) -> Value:
    """Identity."""
    found = state.value(node, 0)
    if found is None:
        raise CompileError(f"{node.where}: it has no input")
    return found


def cast(state: State, node: OnnxNode) -> Value:
    """Of constants; of float32 to itself."""
    found = same(state, node)
    to = node.whole("to", 0)
    if isinstance(found, Constant) and to in _TYPES:
        values = found.array.astype(_TYPES[to])
        if np.array_equal(values, found.array, equal_nan=values.dtype.kind == "f"):
            return Constant(values)
    if to != _FLOAT32 or isinstance(found, Constant | Quantized):
        raise CompileError(
            f"{node.where}: a cast of float32 to float32, and of constants that are the same in "
            "both types, is supported"
        )
    return found


def constant_of_shape(state: State, node: OnnxNode) -> Value:
    shape = state.wholes(node, 0)
    value = node.attributes.get("value", np.zeros(1, np.float32))
    if not isinstance(value, np.ndarray) or value.size != 1:
        raise CompileError(f"{node.where}: one value, of a tensor, is supported")
    if shape is None or not all(0 <= size <= MOST_NUMBERS for size in shape):
        raise CompileError(f"{node.where}: a shape of sizes up to {MOST_NUMBERS:,} is supported")
    state.builder.spend(math.prod(shape))
    return Constant(np.full(shape, value.reshape(-1)[0]))


def dropout(state: State, node: OnnxNode) -> Value:
    training = state.constant(node, 2)
    if training is not None and training.any():
        raise CompileError(f"{node.where}: it is supported as nothing but in training")
    return state.moved(node, 0)


def constant(state: State, node: OnnxNode) -> Value:  # noqa: ARG001
    if len(node.attributes) == 1:
        (value,) = node.attributes.values()
        if isinstance(value, np.ndarray):
            return Constant(value)
        if isinstance(value, float):
            return Constant(np.array(value, np.float32))
        if isinstance(value, int):
            return Constant(np.array(value, np.int64))
        if isinstance(value, tuple):
            kind = np.float32 if "value_floats" in node.attributes else np.int64
            return Constant(np.array(value, kind))
    raise CompileError(f"{node.where}: one value, of numbers, is supported")


def transpose(state: State, node: OnnxNode) -> Value:
    found = state.value(node, 0)
    if not isinstance(found, Constant | Weights):
        raise CompileError(f"{node.where}: it is supported on constants only")
    values = found.array if isinstance(found, Constant) else found.values
    order = node.wholes("perm") or tuple(reversed(range(values.ndim)))
    if sorted(order) != [*range(values.ndim)]:
        raise CompileError(f"{node.where}: its perm isn't an order of {values.ndim} axes")
    if isinstance(found, Constant):
        return Constant(values.transpose(order))
    axis = None if found.axis is None else order.index(found.axis)
    return replace(found, values=found.values.transpose(order), axis=axis)


def reshape(state: State, node: OnnxNode) -> Value:
    value = state.moved(node, 0)
    wanted = state.wholes(node, 1)
    if wanted is None:
        raise CompileError(f"{node.where}: it has no shape")
    batch, *rest = wanted or (1,)
    copies = not node.whole("allowzero", 0)
    if copies and 0 in rest:
        rest = [
            value.shape[at] if size == 0 and at < len(value.shape) else size
            for at, size in enumerate(rest)
        ]
    total = math.prod(value.shape)
    known = math.prod(size for size in rest if size != -1)
    if -1 in rest and rest.count(-1) == 1 and known > 0 and batch != -1:
        rest[rest.index(-1)] = total // known
    kept = batch in (-1, state.network.batch) or (batch == 0 and copies)
    return _seen(node, value, tuple(rest), kept=kept)


def flatten(state: State, node: OnnxNode) -> Value:
    value = state.moved(node, 0)
    axis = node.whole("axis", 1)
    kept = axis in (1, -len(value.shape))
    return _seen(node, value, (math.prod(value.shape),), kept=kept)


def squeeze(state: State, node: OnnxNode) -> Value:
    value = state.moved(node, 0)
    axes = _axes(state, node)
    rank = len(value.shape) + 1
    if axes is None:
        axes = tuple(at + 1 for at, size in enumerate(value.shape) if size == 1)
    gone = {axis % rank for axis in axes if -rank <= axis < rank}
    shape = tuple(size for at, size in enumerate(value.shape) if at + 1 not in gone)
    return _seen(node, value, shape, kept=0 not in gone)


def unsqueeze(state: State, node: OnnxNode) -> Value:
    value = state.moved(node, 0)
    axes = _axes(state, node) or ()
    rank = len(value.shape) + 1 + len(axes)
    new = {axis % rank for axis in axes if -rank <= axis < rank}
    sizes: Iterator[int] = iter(value.shape)
    shape = tuple(1 if at in new else next(sizes, 1) for at in range(1, rank))
    return _seen(node, value, shape, kept=0 not in new and len(new) == len(axes))


def pad(state: State, node: OnnxNode) -> Value:
    value = state.activation(node, 0)
    pads = node.wholes("pads") if state.network.opset < 11 else state.wholes(node, 1)
    fill = node.real("value", 0.0) if state.network.opset < 11 else state.number(node, 2) or 0.0
    axes = state.wholes(node, 3)
    if node.text("mode", "constant") != "constant" or not math.isfinite(fill):
        raise CompileError(f"{node.where}: mode constant, with a finite number, is supported")
    channels, height, width = channels_and_image(node, value.shape)
    axes = (0, 1, 2, 3) if axes is None else tuple(axis % 4 for axis in axes)
    if pads is None or len(pads) != 2 * len(axes) or len({*axes}) < len(axes):
        raise CompileError(f"{node.where}: its pads don't fit its axes")
    by_axis = dict.fromkeys(range(4), (0, 0))
    by_axis |= {axis: (pads[i], pads[i + len(axes)]) for i, axis in enumerate(axes)}
    every = [one for both in by_axis.values() for one in both]
    if any(every[:4]) or not all(0 <= one <= 2**15 for one in every):
        raise CompileError(f"{node.where}: pads of 0 and more, of height and width, are supported")
    top, bottom, left, right = every[4:]
    shape = (channels, height + top + bottom, width + left + right)
    if math.prod(shape) > MOST_NUMBERS:
        raise CompileError(f"{node.where}: its output of {[*shape]} is too large")
    step = Padded(node.where, (top, left, bottom, right), exact(fill), shape)
    pending = stepped(state, node, value)
    return replace(pending, steps=(*pending.steps, step), shape=shape)


def concat(state: State, node: OnnxNode) -> Value:
    parts = tuple(_part(state, node, at) for at in range(len(node.inputs)))
    shapes = {part.shape[1:] for part in parts}
    axis = node.whole("axis", 1)
    ranks = {len(part.shape) + 1 for part in parts}
    if len(shapes) != 1 or len(ranks) != 1 or axis not in (1, 1 - min(ranks)):
        raise CompileError(
            f"{node.where}: axis 1, of shapes that agree in the others, is supported"
        )
    shape = (sum(part.shape[0] for part in parts), *shapes.pop())
    if math.prod(shape) > MOST_NUMBERS:
        raise CompileError(f"{node.where}: its output of {[*shape]} is too large")
    return Pending(Joined(node.where, parts, shape), shape)


def softmax(state: State, node: OnnxNode) -> Value:
    value = state.activation(node, 0)
    axis = node.whole("axis", 1 if state.network.opset < 13 else -1)
    if len(value.shape) != 1 or axis not in (1, -1):
        raise CompileError(f"{node.where}: it is supported at the end, over the classes [N, K]")
    return Probabilities(value, node.inputs[0])


def stepped(state: State, node: OnnxNode, value: Real | Pending) -> Pending:
    """What a step after rounding can follow."""
    if isinstance(value, Real):
        tensor = state.builder.seen(value)
        return Pending(Same(node.where, tensor, value.shape), value.shape)
    last = value.steps[-1].shape if value.steps else value.core.shape
    if value.shape != last or len(value.steps) >= _MOST_STEPS:
        real = state.settled(node, 0)
        return Pending(Same(node.where, state.builder.seen(real), real.shape), real.shape)
    return value


def _part(state: State, node: OnnxNode, at: int) -> Real | Pending:
    """What is joined of joined parts is held first, so that none is made more than once."""
    value = state.activation(node, at)
    nested = isinstance(value, Pending) and isinstance(value.core, Joined)
    return state.settled(node, at) if nested else value


def _axes(state: State, node: OnnxNode) -> tuple[int, ...] | None:
    if state.network.opset < 13:
        return node.wholes("axes")
    return state.wholes(node, 1)


def _seen(
    node: OnnxNode, value: Real | Pending | Image | Quantized, shape: Shape, *, kept: bool
) -> Value:
    """In another shape of the same size, the batch kept."""
    fits = all(0 < size <= MOST_NUMBERS for size in shape) and len(shape) <= 8
    if not kept or not fits or math.prod(shape) != math.prod(value.shape):
        raise CompileError(
            f"{node.where}: from {[*value.shape]} to {[*shape][:8]}; shapes of the same size that "
            "keep the batch in front are supported"
        )
    if isinstance(value, Quantized):
        return replace(value, real=replace(value.real, shape=shape))
    return replace(value, shape=shape)
