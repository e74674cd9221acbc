"""QuantizeLinear and DequantizeLinear: what they say of scales, and which pairs are dropped."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import cast as typed

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend import windows
from quantbench.c99.frontend.int8_context import IntegerState, Placed
from quantbench.c99.frontend.reader import OnnxNode, shown
from quantbench.c99.frontend.values import (
    Constant,
    Deferred,
    Format,
    Image,
    Limits,
    Pending,
    Probabilities,
    Quantized,
    Real,
    Same,
    Sums,
    Total,
    Value,
    Weights,
    Words,
    format_of,
)
from quantbench.c99.ir.graph import LIMITS, Type
from quantbench.c99.ops.pool_activation import limited, pool_window, poolable
from quantbench.c99.ops.shape import cast as shared_cast
from quantbench.c99.ops.shape import same
from quantbench.errors import CompileError
from quantbench.numerics.fixed_point import exact

_TYPES: dict[str, Type] = {"int8": "int8", "uint8": "uint8"}
_OUTPUT_TYPES = {0: "any", 2: "uint8", 3: "int8"}
_FLOAT32 = 1
_ANOTHER_FORMAT = "its scale and zero point aren't those of its QuantizeLinear"
_FOLLOWED = frozenset({"Relu", "Clip", "AveragePool", "MaxPool", "GlobalAveragePool", "ReduceMean"})
_PASSED = frozenset({"Relu", "Clip", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"})


def quantize(state: IntegerState, node: OnnxNode) -> Value:
    value = state.value(node, 0)
    if isinstance(value, Constant):
        return _constant(state, node, value.array)
    format = _format(state, node)
    if isinstance(value, Probabilities):
        if value.format not in (None, format):
            raise CompileError(f"{node.where}: what follows Softmax is rounded twice")
        return replace(value, format=format, integers=True)
    if isinstance(value, Image) and value.type is None:
        return _input(state, node, value, format)
    pending = _pending(state, node, state.activation(node, 0))
    _require_channels(node, pending, format)
    if _dropped(state, node, pending, format):
        kept = limited(state, pending, node.where, Limits.of(format))
        return Deferred(replace(kept, slack=_slack(pending, format), grid=format))
    return Quantized(_placed(state, node, pending, format), format)


def _placed(state: IntegerState, node: OnnxNode, pending: Pending, format: Format) -> Real:
    """The tensor of the integers: the one that there is, where this was quantized before."""
    key = (node.inputs[0], format)
    if key not in state.placed:
        before = len(state.builder.tensors)
        real = state.builder.place(shown(node.outputs[0]), pending, format)
        state.placed[key] = Placed(real, new=len(state.builder.tensors) > before)
    placed = state.placed[key]
    if placed.new:
        tensor, shape = placed.real.tensor, pending.shape
        state.builder.originates(tensor, node.outputs[0], shape, pending.slack)
    return placed.real


def dequantize(state: IntegerState, node: OnnxNode) -> Value:
    match state.value(node, 0):
        case Constant() as found:
            return _weights(state, node, found.array)
        case Quantized() as found:
            if _format(state, node, found.format.type) != found.format:
                raise CompileError(f"{node.where}: {_ANOTHER_FORMAT}")
            return found.real
        case Deferred() as found:
            return found.pending
        case Probabilities() as found:
            if found.format != _format(state, node, found.format.type if found.format else None):
                raise CompileError(f"{node.where}: {_ANOTHER_FORMAT}")
            return replace(found, integers=False)
        case Image(type=str() as kind) as image:
            return _input(state, node, image, _format(state, node, kind)).real
        case _:
            raise CompileError(f"{node.where}: its input isn't quantized")


def cast(state: IntegerState, node: OnnxNode) -> Value:
    """Of integers to their own type, and of the network's own to float32: q as a real number."""
    value, to = state.value(node, 0), node.whole("to", 0)
    if isinstance(value, Image) and value.type and to == _FLOAT32:
        return _input(state, node, value, Format(1.0, 0, value.type)).real
    held = value.format if isinstance(value, Quantized) else value
    if isinstance(held, Format | Image) and held.type and held.type == _OUTPUT_TYPES.get(to):
        return same(state, node)
    return shared_cast(state, node)


def _input(state: IntegerState, node: OnnxNode, image: Image, format: Format) -> Quantized:
    """The network's input: in one format, however often it is quantized."""
    if format.by_channel or image.type not in (None, format.type):
        raise CompileError(
            f"{node.where}: the input is supported with one scale, and in its own type"
        )
    name = state.network.input
    if state.input is None:
        state.input = state.builder.add(name, state.network.input_shape, format)
        if image.type is not None:  # the integers are the network's own
            shape = state.network.input_shape
            state.builder.originates(state.input, name, shape, Fraction(0))
    if state.builder.format(state.input) != format:
        raise CompileError(f"{node.where}: the input is quantized in two ways; one is supported")
    if image.type is None:
        state.builder.originates(state.input, node.outputs[0], image.shape, Fraction(0))
    return Quantized(Real(state.input, image.shape), format)


def _pending(state: IntegerState, node: OnnxNode, value: Real | Pending) -> Pending:
    if isinstance(value, Pending):
        return value
    core = Same(node.where, value.tensor, state.builder.tensors[value.tensor].shape)
    return Pending(core, value.shape)


def _slack(pending: Pending, format: Format) -> Fraction:
    """How far a value may be off once this rounding is dropped, too. One to the same numbers as
    the last, with nothing but limits between, rounds nothing anew.
    """
    return pending.slack + (0 if pending.grid == format else exact(format.scale) / 2)


def _dropped(state: IntegerState, node: OnnxNode, pending: Pending, format: Format) -> bool:
    """Whether the pair that begins here stands between two that are fused to one layer, and is
    fine enough: the result stays less than a step off what the pair would make of it.
    """
    behind = state.reader(node.outputs[0])
    if format.by_channel:
        return False
    if behind is None or behind.op != "DequantizeLinear" or behind.inputs[0] != node.outputs[0]:
        return False
    follower = state.reader(behind.outputs[0])
    if follower is None or follower.op not in _FOLLOWED:
        return False
    if _format(state, behind, format.type) != format:
        return False
    if follower.op in ("Relu", "Clip"):
        fused = isinstance(pending.core, Sums | Total) and pending.plain
    else:
        fused = poolable(pending) is not None
        if fused and follower.op in ("AveragePool", "MaxPool"):
            window, _ = pool_window(follower, pending.shape)
            fused = windows.apart(window) and not windows.padded(window)
    following = _next_format(state, follower) if fused else None
    return following is not None and _slack(pending, format) < exact(following.scale)


def _next_format(state: IntegerState, node: OnnxNode) -> Format | None:
    """To what follows is rounded before anything else is computed of it."""
    reader = state.reader(node.outputs[0])
    while reader is not None and reader.op in _PASSED:
        reader = state.reader(reader.outputs[0])
    quantized = reader is not None and reader.op == "QuantizeLinear"
    return _format(state, reader) if reader is not None and quantized else None


def _format(state: IntegerState, node: OnnxNode, held: Type | None = None) -> Format:
    """Of activations: one scale or one for each channel, one zero point. `held`: the type of what
    is dequantized, which a zero point that is left out has.
    """
    stored = None if state.value(node, 2) else held
    kind, scale, zero_point = _parameters(state, node, stored)
    if kind not in _TYPES:
        raise CompileError(f"{node.where}: {kind} activations; int8 and uint8 are supported")
    zeros = {*zero_point.reshape(-1).tolist()}
    if len(zeros) > 1:
        raise CompileError(
            f"{node.where}: {len(zeros)} zero points of an activation; one, with a scale for the "
            "tensor or for each channel, is supported"
        )
    scales = [float(one) for one in scale.reshape(-1).tolist()]
    return format_of(scales, Format(scales[0], zeros.pop(), _TYPES[kind]))


def _require_channels(node: OnnxNode, pending: Pending, format: Format) -> None:
    """Raises CompileError where scales don't stand for the channels."""
    count, shape = len(format.by_channel), pending.shape
    if count and (node.whole("axis", 1) not in (1, -len(shape)) or shape[0] != count):
        raise CompileError(
            f"{node.where}: {count} scales of an activation {[*shape]}; one for the tensor or for "
            "each channel, axis 1, is supported"
        )


def _parameters(
    state: IntegerState, node: OnnxNode, stored: str | None = None
) -> tuple[str, NDArray[np.float32], NDArray[np.int64]]:
    """Type, scale and zero point; `stored` is the type of the constant that is dequantized."""
    scale, zero_point = state.constant(node, 1), state.constant(node, 2)
    if scale is None or scale.dtype != np.float32:
        raise CompileError(
            f"{node.where}: its scale is {'missing' if scale is None else scale.dtype}; float32 is "
            "supported"
        )
    finite = np.isfinite(scale).all() and (typed(NDArray[np.float32], scale) > 0).all()
    if not finite or scale.ndim > 1 or not scale.size:
        raise CompileError(f"{node.where}: its scale isn't one positive number or a vector of them")
    if node.whole("block_size", 0) or node.whole("output_dtype", 0) not in _output_types(node):
        raise CompileError(
            f"{node.where}: blocks, and other types than float32, int8 and uint8, aren't supported"
        )
    asked = _OUTPUT_TYPES[node.whole("output_dtype", 0)] if node.op == "QuantizeLinear" else "any"
    kind = stored or ("uint8" if asked == "any" else asked)
    if zero_point is None:
        return kind, scale.astype(np.float32), np.zeros(scale.shape, np.int64)
    if stored is None and asked == "any":
        kind = str(zero_point.dtype)
    if str(zero_point.dtype) != kind or zero_point.size != scale.size or zero_point.ndim > 1:
        raise CompileError(
            f"{node.where}: its zero point is {zero_point.dtype} {[*zero_point.shape]}; {kind} "
            f"{[*scale.shape]} fits"
        )
    return kind, scale.astype(np.float32), zero_point.astype(np.int64)


def _output_types(node: OnnxNode) -> frozenset[int]:
    return frozenset(_OUTPUT_TYPES if node.op == "QuantizeLinear" else (0, _FLOAT32))


def _axis(
    node: OnnxNode, values: NDArray[np.generic], scale: NDArray[np.float32]
) -> tuple[int | None, tuple[int, ...]]:
    """Of the scales, None where there is one, and the shape in which they broadcast."""
    if scale.size == 1:
        return None, (1,) * values.ndim
    axis = node.whole("axis", 1)
    if not -values.ndim <= axis < values.ndim or values.shape[axis] != scale.size:
        raise CompileError(
            f"{node.where}: its {scale.size} scales don't fit axis {axis} of {[*values.shape]}"
        )
    axis %= values.ndim
    return axis, tuple(-1 if at == axis else 1 for at in range(values.ndim))


def _weights(state: IntegerState, node: OnnxNode, stored: NDArray[np.generic]) -> Value:
    kind, scale, zero_point = _parameters(state, node, str(stored.dtype))
    if kind not in (*_TYPES, "int32"):
        raise CompileError(f"{node.where}: {kind} constants; int8, uint8 and int32 are supported")
    axis, shape = _axis(node, stored, scale)
    state.builder.spend(stored.size)
    if kind == "int32":
        words = stored.astype(np.int64) - zero_point.reshape(shape)
        return Words(words, scale.reshape(-1))
    values = stored.astype(np.int16) - zero_point.reshape(shape).astype(np.int16)
    return Weights(values, scale.reshape(-1), axis)


def _constant(state: IntegerState, node: OnnxNode, reals: NDArray[np.generic]) -> Value:
    """Rounded now, as the network would each time it runs."""
    kind, scale, zero_point = _parameters(state, node)
    if kind not in _TYPES or reals.dtype != np.float32 or not np.isfinite(reals).all():
        raise CompileError(
            f"{node.where}: of constants, finite float32 to int8 or uint8 is supported"
        )
    _, shape = _axis(node, reals, scale)
    state.builder.spend(reals.size)
    with np.errstate(over="ignore"):
        steps = np.rint(reals.astype(np.float32) / scale.reshape(shape))
    low, high = LIMITS[_TYPES[kind]]
    return Constant(np.clip(steps + zero_point.reshape(shape), low, high).astype(kind))
