"""QuantizeLinear: adds the nodes of an expression, unless its rounding can be left out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend import windows, zero_points
from quantbench.c99.frontend.activations import deferred, limited
from quantbench.c99.frontend.builder import Deferred, IdentityExpr, TensorRef
from quantbench.c99.frontend.context import Context, Placed
from quantbench.c99.frontend.formats import Format, Limits
from quantbench.c99.frontend.linear import poolable
from quantbench.c99.frontend.pooling import pool_window
from quantbench.c99.frontend.quantization import (
    TYPES,
    axis_of_scales,
    format_of_node,
    parameters,
    quantized_input,
)
from quantbench.c99.frontend.reader import OnnxNode, shown
from quantbench.c99.frontend.reducing import whole_images
from quantbench.c99.frontend.values import (
    Constant,
    ElidedQuantize,
    GraphInput,
    Probabilities,
    Quantized,
    Value,
)
from quantbench.c99.ir.graph import LIMITS
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

NAME = "QuantizeLinear"
INPUTS = (2, 3)
ATTRIBUTES = frozenset({"axis", "block_size", "output_dtype", "saturate", "precision"})
_FUSED_BEHIND = frozenset(
    {"Relu", "Clip", "AveragePool", "MaxPool", "GlobalAveragePool", "ReduceMean"}
)
_MOVING = frozenset({"Relu", "Clip", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    value = context.value(node, 0)
    if isinstance(value, Constant):
        return _constant(context, node, value.array)
    format = format_of_node(context, node)
    if isinstance(value, Probabilities):
        if value.format not in (None, format):
            name = value.final.capitalize()
            raise CompileError(f"{node.where}: what follows {name} is rounded twice")
        return replace(value, format=format, integers=True)
    if isinstance(value, GraphInput) and value.type is None:
        return quantized_input(context, node, value, format)
    waiting = deferred(context, context.activation(node, 0), node.where)
    _require_channels(node, waiting, format)
    if _elided(context, node, waiting, format):
        kept = limited(context, waiting, node.where, Limits.of(format))
        return ElidedQuantize(replace(kept, slack=_slack(waiting, format), grid=format))
    return Quantized(_placed(context, node, waiting, format), format)


def _placed(context: Context, node: OnnxNode, waiting: Deferred, format: Format) -> TensorRef:
    """The tensor of integers; one that the same input and format already have is reused."""
    key = (node.inputs[0], format)
    if key not in context.placed:
        before, name = len(context.builder.tensors), shown(node.outputs[0])
        if format.raised and not _never_negative(context, waiting):
            ref = zero_points.placed(context.builder, name, waiting, format)
        else:
            ref = context.builder.place(name, waiting, format)
        context.placed[key] = Placed(ref, new=len(context.builder.tensors) > before)
    placed = context.placed[key]
    if placed.new:
        tensor, shape = placed.ref.tensor, waiting.shape
        # Where the tensor has the file's own zero points, its integers are the file's.
        raised = () if context.builder.tensors[tensor].raised else format.raised
        context.builder.originates(tensor, node.outputs[0], shape, waiting.slack, raised)
    return placed.ref


def _slack(waiting: Deferred, format: Format) -> Fraction:
    """The distance that a real value may be off once this rounding is dropped as well.

    A rounding to the same numbers as the last dropped one, with nothing but limits between them,
    changes no value and adds nothing.
    """
    return waiting.slack + (0 if waiting.grid == format else exact(format.scale) / 2)


def _elided(context: Context, node: OnnxNode, waiting: Deferred, format: Format) -> bool:
    """Whether this QuantizeLinear and the DequantizeLinear behind it may be left out.

    They must stand between two operators that are fused into one layer, and be fine enough: the
    result stays less than one step of the next format off what they would make of it.
    """
    behind = context.reader(node.outputs[0])
    if format.by_channel or format.raised:
        return False
    if behind is None or behind.op != "DequantizeLinear" or behind.inputs[0] != node.outputs[0]:
        return False
    follower = context.reader(behind.outputs[0])
    if follower is None or follower.op not in _FUSED_BEHIND:
        return False
    if format_of_node(context, behind, format.type) != format:
        return False
    if follower.op in ("Relu", "Clip"):
        fused = waiting.core.takes_activation and waiting.plain
    else:
        fused = poolable(waiting) is not None
        if fused and follower.op in ("AveragePool", "MaxPool"):
            window, _ = pool_window(follower, waiting.shape)
            fused = windows.apart(window) and not windows.padded(window)
        if fused and follower.op == "ReduceMean":
            fused = whole_images(context, follower, len(waiting.shape) + 1)
    following = _next_format(context, follower) if fused else None
    return following is not None and _slack(waiting, format) < exact(following.scale)


def _next_format(context: Context, node: OnnxNode) -> Format | None:
    """The format that the node's output is next rounded to, with only moves and clamps between.

    None where there is no such rounding.
    """
    reader = context.reader(node.outputs[0])
    while reader is not None and reader.op in _MOVING:
        reader = context.reader(reader.outputs[0])
    quantized = reader is not None and reader.op == "QuantizeLinear"
    return format_of_node(context, reader) if reader is not None and quantized else None


def _require_channels(node: OnnxNode, waiting: Deferred, format: Format) -> None:
    """Raise CompileError unless scales by channel match the value's channels."""
    count, shape = len(format.by_channel or format.raised), waiting.shape
    channels = waiting.core.shape[0] if not waiting.steps else shape[0]
    axes = (1, -len(shape))
    if count and (node.whole("axis", 1) not in axes or not count == shape[0] == channels):
        raise CompileError(
            f"{node.where}: {count} scales of an activation {[*shape]}; one for the tensor or for "
            "each channel, axis 1, is supported"
        )


def _never_negative(context: Context, waiting: Deferred) -> bool:
    """Whether limits, or the integers that it starts from, keep the value from falling below 0."""
    low, tensors = waiting.limits.low, context.builder.tensors
    if low is None and isinstance(waiting.core, IdentityExpr):
        tensor = tensors[waiting.core.input]
        low = Fraction(LIMITS[tensor.type][0] - tensor.zero_point)
    constants = [real for step in waiting.steps for real in step.constants]
    return low is not None and min([low, *constants]) >= 0


def _constant(context: Context, node: OnnxNode, reals: NDArray[np.generic]) -> Value:
    """A constant rounded at compile time, as the network would round it at each run."""
    kind, scale, zero_point = parameters(context, node)
    if kind not in TYPES or reals.dtype != np.float32 or not np.isfinite(reals).all():
        raise CompileError(
            f"{node.where}: of constants, finite float32 to int8 or uint8 is supported"
        )
    _, shape = axis_of_scales(node, reals, scale)
    context.builder.spend(reals.size)
    with np.errstate(over="ignore"):
        steps = np.rint(reals.astype(np.float32) / scale.reshape(shape))
    low, high = LIMITS[TYPES[kind]]
    return Constant(np.clip(steps + zero_point.reshape(shape), low, high).astype(kind))
