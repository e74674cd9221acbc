"""DequantizeLinear: reads constants, and integers that a QuantizeLinear gave in the same format."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quantbench.c99.frontend.context import Context
from quantbench.c99.frontend.quantization import (
    ANOTHER_FORMAT,
    TYPES,
    axis_of_scales,
    format_of_node,
    parameters,
    quantized_input,
)
from quantbench.c99.frontend.reader import OnnxNode
from quantbench.c99.frontend.values import (
    Constant,
    ElidedQuantize,
    GraphInput,
    Int32Constant,
    Probabilities,
    Quantized,
    Value,
    Weights,
)
from quantbench.c99.frontend.zero_points import dequantized
from quantbench.errors import CompileError

NAME = "DequantizeLinear"
INPUTS = (2, 3)
ATTRIBUTES = frozenset({"axis", "block_size", "output_dtype"})


def from_onnx(context: Context, node: OnnxNode) -> Value:
    match context.value(node, 0):
        case Constant(array=stored):
            return _weights(context, node, stored)
        case Quantized(ref=ref, format=format):
            if format_of_node(context, node, format.type) != format:
                raise CompileError(f"{node.where}: {ANOTHER_FORMAT}")
            return dequantized(context.builder, node.where, ref)
        case ElidedQuantize(deferred=deferred):
            return deferred
        case Probabilities() as softmax:
            held = softmax.format.type if softmax.format else None
            if softmax.format != format_of_node(context, node, held):
                raise CompileError(f"{node.where}: {ANOTHER_FORMAT}")
            return replace(softmax, integers=False)
        case GraphInput(type=str() as kind) as image:
            return quantized_input(context, node, image, format_of_node(context, node, kind)).ref
        case _:
            raise CompileError(f"{node.where}: its input isn't quantized")


def _weights(context: Context, node: OnnxNode, stored: NDArray[np.generic]) -> Value:
    kind, scale, zero_point = parameters(context, node, str(stored.dtype))
    if kind not in (*TYPES, "int32"):
        raise CompileError(f"{node.where}: {kind} constants; int8, uint8 and int32 are supported")
    axis, shape = axis_of_scales(node, stored, scale)
    context.builder.spend(stored.size)
    if kind == "int32":
        words = stored.astype(np.int64) - zero_point.reshape(shape)
        return Int32Constant(words, scale.reshape(-1))
    values = stored.astype(np.int16) - zero_point.reshape(shape).astype(np.int16)
    return Weights(values, scale.reshape(-1), axis)
