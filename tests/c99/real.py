"""A quantized ONNX network in float64, by PyTorch: what the integer network approximates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from torch import Tensor

from tests.c99.activations import FUNCTIONS

Found = Mapping[str, NDArray[np.int64]]
_LOWEST = {"int8": -128, "uint8": 0}
_HIGHEST = {"int8": 127, "uint8": 255}


def evaluate(
    model: onnx.ModelProto, inputs: NDArray[np.float32], held: Found
) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.float64]]:
    """What each QuantizeLinear gives, by name, and the output.

    What `held` has goes on with the integers that it has, so that errors don't add up. A
    quantization that it doesn't have was dropped: of it only the two limits are left.
    """
    values: dict[str, Any] = {
        tensor.name: torch.from_numpy(_wide(numpy_helper.to_array(tensor)))
        for tensor in model.graph.initializer
    }
    types = {t.name: str(numpy_helper.to_array(t).dtype) for t in model.graph.initializer}
    values[model.graph.input[0].name] = torch.from_numpy(inputs.astype(np.float64))
    rounded = {}
    makers = {node.output[0]: node.op_type for node in model.graph.node}
    for node in model.graph.node:
        given = [values[name] if name else None for name in node.input]
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        output = node.output[0]
        if node.op_type == "QuantizeLinear":
            values[output], integers = _quantize(given, attributes, types[node.input[2]])
            if node.input[0] in (*types, model.graph.input[0].name):
                values[output] = integers
                continue
            rounded[output] = integers.to(torch.int64).numpy()
            if output in held:
                values[output] = torch.from_numpy(held[output].astype(np.float64)).reshape(
                    values[output].shape
                )
            elif makers.get(node.input[0]) in FUNCTIONS:  # it is part of a table: not dropped
                values[output] = integers
            else:
                kind = types[node.input[2]]
                values[output] = values[output].clamp(_LOWEST[kind], _HIGHEST[kind])
        else:
            values[output] = _OPERATORS[node.op_type](given, attributes)
    return rounded, values[model.graph.output[0].name].numpy()


def _wide(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array.astype(np.float64) if array.dtype != np.int64 else array.copy()


def _shaped(parameter: Tensor, values: Tensor, attributes: dict[str, Any]) -> Tensor:
    if parameter.numel() == 1:
        return parameter.reshape(())
    axis = attributes.get("axis", 1) % values.ndim
    return parameter.reshape([-1 if at == axis else 1 for at in range(values.ndim)])


def _quantize(given: list[Any], attributes: dict[str, Any], type: str) -> tuple[Tensor, Tensor]:
    """Before and after rounding."""
    values, scale, zero = given[0], *(_shaped(p, given[0], attributes) for p in given[1:3])
    steps = values / scale + zero
    integers = (torch.round(values / scale) + zero).clamp(_LOWEST[type], _HIGHEST[type])
    return steps, integers


def _dequantize(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    values, scale = given[0], _shaped(given[1], given[0], attributes)
    zero = _shaped(given[2], given[0], attributes) if len(given) > 2 else 0
    return (values - zero) * scale


def _pads(attributes: dict[str, Any], image: Tensor, kernel: tuple[int, int]) -> list[int]:
    """Left, right, top, bottom, as PyTorch has it."""
    how = attributes.get("auto_pad", b"NOTSET")
    if how in (b"NOTSET", b"VALID"):
        top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
        return [left, right, top, bottom]
    strides = attributes.get("strides", (1, 1))
    dilations = attributes.get("dilations", (1, 1))
    found = []
    for at in (1, 0):
        size = image.shape[2 + at]
        span = (kernel[at] - 1) * dilations[at] + 1
        total = max(0, (-(-size // strides[at]) - 1) * strides[at] + span - size)
        both = [total // 2, total - total // 2]
        found += both if how == b"SAME_UPPER" else both[::-1]
    return found


def _conv(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    image, weights, bias = (*given, None)[:3]
    kernel = (weights.shape[2], weights.shape[3])
    return F.conv2d(
        F.pad(image, _pads(attributes, image, kernel)),
        weights,
        bias,
        stride=tuple(attributes.get("strides", (1, 1))),
        dilation=tuple(attributes.get("dilations", (1, 1))),
        groups=attributes.get("group", 1),
    )


def _conv_transposed(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    image, weights, bias = (*given, None)[:3]
    return F.conv_transpose2d(image, weights, bias, stride=tuple(attributes["strides"]))


def _axes(given: list[Any], attributes: dict[str, Any]) -> tuple[int, ...]:
    return tuple(attributes["axes"]) if "axes" in attributes else tuple(given[1].int().tolist())


def _slice(given: list[Any], _: dict[str, Any]) -> Tensor:
    image = given[0].numpy()
    start, end, axis, step = (int(value) for value in given[1:])
    last = None if step < 0 else end
    places = [slice(None)] * image.ndim
    places[axis] = slice(start, last, step)
    return torch.from_numpy(image[tuple(places)].copy())


def _gather(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    taken = given[0].numpy().take(given[1].numpy().astype(np.int64), attributes["axis"])
    return torch.from_numpy(taken)


def _resize(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    """By whole factors: `nearest` with floor, `linear` with the last values repeated."""
    image = given[0].numpy()
    for axis, factor in ((2, int(given[2][2])), (3, int(given[2][3]))):
        size = image.shape[axis]
        half = attributes["coordinate_transformation_mode"] == b"half_pixel"
        real = np.arange(size * factor)
        real = (real + 0.5) / factor - 0.5 if half else real / factor
        below = np.floor(real).astype(np.int64)
        part = real - below if attributes["mode"] == b"linear" else np.zeros_like(real)
        part = part.reshape([-1 if at == axis else 1 for at in range(4)])
        first, second = (image.take(np.clip(below + more, 0, size - 1), axis) for more in (0, 1))
        image = first * (1 - part) + second * part
    return torch.from_numpy(image)


def _average(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    (image,), kernel = given, tuple(attributes["kernel_shape"])
    pads = _pads(attributes, image, kernel)
    stride = tuple(attributes.get("strides", (1, 1)))
    means = F.avg_pool2d(F.pad(image, pads), kernel, stride)
    if attributes.get("count_include_pad", 0):
        return means
    return means / F.avg_pool2d(F.pad(torch.ones_like(image), pads), kernel, stride)


def _largest(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    (image,), kernel = given, tuple(attributes["kernel_shape"])
    padded = F.pad(image, _pads(attributes, image, kernel), value=float("-inf"))
    dilation = tuple(attributes.get("dilations", (1, 1)))
    stride = tuple(attributes.get("strides", (1, 1)))
    return F.max_pool2d(padded, kernel, stride, dilation=dilation)


def _gemm(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    one, other = given[0], given[1].T if attributes.get("transB", 0) else given[1]
    product = attributes.get("alpha", 1.0) * (one @ other)
    return product if len(given) < 3 else product + attributes.get("beta", 1.0) * given[2]


def _normalized(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    values, factor, shift, mean, variance = given
    return F.batch_norm(values, mean, variance, factor, shift, eps=attributes.get("epsilon", 1e-5))


def _pad(given: list[Any], attributes: dict[str, Any]) -> Tensor:
    pads = given[1].tolist()
    value = 0.0 if len(given) < 3 or given[2] is None else float(given[2])
    return F.pad(given[0], [pads[3], pads[7], pads[2], pads[6]], value=value)


def _hard_sigmoid(values: Tensor, alpha: float, beta: float = 0.5) -> Tensor:
    return (float(np.float32(alpha)) * values + beta).clamp(0, 1)


def _elu(values: Tensor, alpha: float, gamma: float = 1.0) -> Tensor:
    below = float(np.float32(alpha)) * torch.expm1(values.clamp(max=0))
    return float(np.float32(gamma)) * torch.where(values < 0, below, values)


_OPERATORS = {
    "Abs": lambda given, _: given[0].abs(),
    "Cos": lambda given, _: given[0].cos(),
    "Div": lambda given, _: given[0] / given[1],
    "Elu": lambda given, attributes: _elu(given[0], attributes["alpha"]),
    "Erf": lambda given, _: given[0].erf(),
    "Gelu": lambda given, _: F.gelu(given[0]),
    "HardSigmoid": lambda given, _: _hard_sigmoid(given[0], 0.2),
    "HardSwish": lambda given, _: given[0] * (given[0] / 6 + 0.5).clamp(0, 1),
    "LeakyRelu": lambda given, attributes: F.leaky_relu(given[0], attributes["alpha"]),
    "Max": lambda given, _: torch.maximum(*given),
    "Min": lambda given, _: torch.minimum(*given),
    "Mish": lambda given, _: given[0] * torch.log1p(given[0].exp()).tanh(),
    "Mul": lambda given, _: given[0] * given[1],
    "Neg": lambda given, _: -given[0],
    "PRelu": lambda given, _: torch.where(given[0] < 0, given[0] * given[1], given[0]),
    "Selu": lambda given, _: _elu(given[0], 1.67326319217681884765625, 1.05070102214813232421875),
    "Sigmoid": lambda given, _: given[0].sigmoid(),
    "Sin": lambda given, _: given[0].sin(),
    "Softplus": lambda given, _: torch.logaddexp(given[0], torch.zeros_like(given[0])),
    "Softsign": lambda given, _: F.softsign(given[0]),
    "Sub": lambda given, _: given[0] - given[1],
    "Tanh": lambda given, _: given[0].tanh(),
    "ThresholdedRelu": lambda given, _: torch.where(given[0] > 1, given[0], 0.0),
    "Add": lambda given, _: given[0] + given[1],
    "AveragePool": _average,
    "BatchNormalization": _normalized,
    "Clip": lambda given, _: torch.clamp(
        given[0], *(None if g is None else float(g) for g in given[1:])
    ),
    "Concat": lambda given, _: torch.cat(given, dim=1),
    "Conv": _conv,
    "ConvTranspose": _conv_transposed,
    "Gather": _gather,
    "ReduceMin": lambda given, attributes: given[0].amin(_axes(given, attributes), keepdim=True),
    "ReduceMax": lambda given, attributes: given[0].amax(_axes(given, attributes), keepdim=True),
    "Resize": _resize,
    "Slice": _slice,
    "Transpose": lambda given, attributes: given[0].permute(*attributes["perm"]),
    "DequantizeLinear": _dequantize,
    "Flatten": lambda given, _: given[0].flatten(1),
    "Gemm": _gemm,
    "GlobalAveragePool": lambda given, _: given[0].mean((2, 3), keepdim=True),
    "Identity": lambda given, _: given[0],
    "MatMul": lambda given, _: given[0] @ given[1],
    "MaxPool": _largest,
    "Pad": _pad,
    "ReduceMean": lambda given, attributes: given[0].mean(
        _axes(given, attributes), keepdim=bool(attributes.get("keepdims", 1))
    ),
    "Relu": lambda given, _: given[0].relu(),
    "Reshape": lambda given, _: given[0].reshape(len(given[0]), *given[1].tolist()[1:]),
    "Softmax": lambda given, _: given[0].softmax(1),
    "Squeeze": lambda given, _: given[0].flatten(1),
}
