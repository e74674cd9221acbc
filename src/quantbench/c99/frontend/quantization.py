"""Formats as QuantizeLinear and DequantizeLinear give them, and the network's input."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.builder import TensorRef
from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.formats import Format, format_of
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import GraphInput, Quantized
from quantbench.c99.ir.graph import Type
from quantbench.errors import CompileError

TYPES: dict[str, Type] = {"int8": "int8", "uint8": "uint8"}
OUTPUT_TYPES = {0: "any", 2: "uint8", 3: "int8"}
"""Types by their numbers in ONNX."""
FLOAT32_NUMBER = 1
ANOTHER_FORMAT = "its scale and zero point aren't those of its QuantizeLinear"


def format_of_node(context: Context, node: OnnxNode, held: Type | None = None) -> Format:
    """The format of activations: one scale and zero point, or one of each for each channel.

    `held`: the type of the dequantized tensor, which is assumed where the zero point is omitted.
    """
    stored = None if context.value(node, 2) else held
    kind, scale, zero_point = parameters(context, node, stored)
    if kind not in TYPES:
        raise CompileError(f"{node.where}: {kind} activations; int8 and uint8 are supported")
    zeros = [int(zero) for zero in zero_point.reshape(-1).tolist()]
    scales = [float(step) for step in scale.reshape(-1).tolist()]
    format = format_of(scales, Format(scales[0], min(zeros), TYPES[kind]))
    raised = tuple(zero - min(zeros) for zero in zeros)
    return replace(format, raised=raised) if any(raised) else format


def parameters(
    context: Context, node: OnnxNode, stored: str | None = None
) -> tuple[str, NDArray[np.float32], NDArray[np.int64]]:
    """Type, scale and zero point; `stored` is the type of the constant that is dequantized."""
    scale, zero_point = context.constant(node, 1), context.constant(node, 2)
    if scale is None or scale.dtype != np.float32:
        raise CompileError(
            f"{node.where}: its scale is {'missing' if scale is None else scale.dtype}; float32 is "
            "supported"
        )
    finite = np.isfinite(scale).all() and (cast(NDArray[np.float32], scale) > 0).all()
    if not finite or scale.ndim > 1 or not scale.size:
        raise CompileError(f"{node.where}: its scale isn't one positive number or a vector of them")
    if node.whole("block_size", 0) or node.whole("output_dtype", 0) not in _output_types(node):
        raise CompileError(
            f"{node.where}: blocks, and other types than float32, int8 and uint8, aren't supported"
        )
    asked = OUTPUT_TYPES[node.whole("output_dtype", 0)] if node.op == "QuantizeLinear" else "any"
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


def axis_of_scales(
    node: OnnxNode, values: NDArray[np.generic], scale: NDArray[np.float32]
) -> tuple[int | None, tuple[int, ...]]:
    """The axis along which scales differ, and the shape in which they broadcast over `values`.

    The axis is None where there is one scale.
    """
    if scale.size == 1:
        return None, (1,) * values.ndim
    axis = node.whole("axis", 1)
    if not -values.ndim <= axis < values.ndim or values.shape[axis] != scale.size:
        raise CompileError(
            f"{node.where}: its {scale.size} scales don't fit axis {axis} of {[*values.shape]}"
        )
    axis %= values.ndim
    return axis, tuple(-1 if at == axis else 1 for at in range(values.ndim))


def quantized_input(
    context: Context, node: OnnxNode, image: GraphInput, format: Format
) -> Quantized:
    """The integers of the network's input.

    Raises CompileError if it is quantized in two formats.
    """
    if format.by_channel or format.raised or image.type not in (None, format.type):
        raise CompileError(
            f"{node.where}: the input is supported with one scale, and in its own type"
        )
    shapes = {each.name: each.shape for each in context.network.inputs}
    name, shape = image.name, shapes[image.name]
    if name not in context.inputs:
        context.inputs[name] = context.builder.add(name, shape, format)
        if image.type is not None:  # the integers are the network's own
            context.builder.originates(context.inputs[name], name, shape, Fraction(0))
    tensor = context.inputs[name]
    if context.builder.format(tensor) != format:
        raise CompileError(f"{node.where}: the input is quantized in two ways; one is supported")
    if image.type is None:
        context.builder.originates(tensor, node.outputs[0], image.shape, Fraction(0))
    return Quantized(TensorRef(tensor, image.shape), format)


def _output_types(node: OnnxNode) -> frozenset[int]:
    return frozenset(OUTPUT_TYPES if node.op == "QuantizeLinear" else (0, FLOAT32_NUMBER))
