"""Small networks of one operator each that moves, repeats, joins or reduces values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.c99.models import Model

IMAGE, SIGNAL = (4, 6, 5), (4, 9)
Build = Callable[[Model], object]


@dataclass(frozen=True)
class Case:
    """What is put between two pairs, behind an input of a shape; `float32`: also without pairs."""

    build: Build
    shape: tuple[int, ...] = IMAGE
    float32: bool = True


def built(case: Case, *, quantized: bool) -> Model:
    model = Model(("n", *case.shape))
    if quantized:
        model.pair("x", scale=0.5, zero=3)
    case.build(model)
    if quantized:
        model.pair(scale=0.75, zero=40)
    return model


def whole(model: Model, *values: int) -> str:
    return model.constant(values, "int64")


def layer(op: str, shape: tuple[int, ...], **attributes: Any) -> Build:
    """A layer with weights, quantized where the input is."""

    def build(model: Model) -> None:
        values = np.random.default_rng(3).integers(-20, 21, shape)
        quantized = any(node.op_type == "QuantizeLinear" for node in model.nodes)
        weights = model.weights(values, 0.03) if quantized else model.constant(values * 0.03)
        model.add(op, None, weights, **attributes)

    return build


def node(op: str, *given: object, dtype: str = "int64", **attributes: Any) -> Build:
    def build(model: Model) -> None:
        constants = [model.constant(value, dtype) for value in given]
        model.add(op, None, *constants, **attributes)

    return build


def resize(kind: str, scales: list[float], mode: str, **attributes: Any) -> Build:
    def build(model: Model) -> None:
        more = {"mode": kind, "coordinate_transformation_mode": mode, **attributes}
        model.add("Resize", None, "", model.constant(scales), **more)

    return build


def shuffle(model: Model) -> None:
    """As ShuffleNet has it, with a pair after each step, as quantizers write it."""
    quantized = any(node.op_type == "QuantizeLinear" for node in model.nodes)
    steps: tuple[Build, ...] = (
        node("Reshape", [-1, 2, 2, 6, 5]),
        node("Transpose", perm=[0, 2, 1, 3, 4]),
        node("Reshape", [-1, 4, 6, 5]),
    )
    for step in steps:
        step(model)
        if quantized:
            model.pair(scale=0.5, zero=3)


def swapped(model: Model) -> None:
    """The parts of a Split, joined in the other order."""
    first = model.add("Split", None, whole(model, 1, 3), axis=1, outputs=2)
    model.add("Concat", f"{first}.", first, axis=1)


def joined_in_rows(model: Model) -> None:
    model.add("Concat", model.last, model.last, axis=3)


def halves(model: Model) -> None:
    """The halves of the channels, cut where exporters compute it, joined in the other order."""
    before = model.last
    model.add("Shape", before)
    size = model.add("Gather", None, whole(model, 1), axis=0)
    model.add("Add", size, whole(model, 1))
    half = model.add("Div", None, whole(model, 2))
    end = model.add("Mul", half, whole(model, 2))
    first = model.add("Slice", before, whole(model, 0), half, whole(model, 1))
    second = model.add("Slice", before, half, end, whole(model, 1))
    model.add("Concat", second, first, axis=1)


def shape_chain(model: Model) -> None:
    """Shape, Gather, Unsqueeze, Concat, Reshape: how exporters write x.reshape(len(x), -1)."""
    before = model.last
    model.add("Shape", before)
    model.add("Gather", None, model.constant(0, "int64"), axis=0)
    model.add("Unsqueeze", None, whole(model, 0))
    model.add("Concat", None, whole(model, -1), axis=0)
    model.add("Reshape", before, model.last)


def signals(model: Model) -> None:
    layer("Conv", (6, 4, 3), pads=[1, 1])(model)
    model.add("Relu")
    model.add("MaxPool", kernel_shape=[2], strides=[2])


def lowest_of_a_layer(model: Model) -> None:
    layer("Conv", (6, 4, 3, 3), pads=[1, 1, 1, 1])(model)
    model.add("ReduceMin", axes=[2, 3])
    model.add("Relu")


CASES = {
    "signals": Case(signals, SIGNAL),
    "depthwise signals": Case(layer("Conv", (4, 1, 3), group=4, strides=[2]), SIGNAL),
    "pooled signals": Case(node("AveragePool", kernel_shape=[3], pads=[1, 0]), SIGNAL),
    "a mean of signals": Case(node("GlobalAveragePool"), SIGNAL),
    "a maximum of signals": Case(node("GlobalMaxPool"), SIGNAL),
    "padded signals": Case(node("Pad", [0, 0, 1, 0, 0, 2]), SIGNAL),
    "ceil of a maximum": Case(node("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)),
    "ceil of a mean": Case(node("AveragePool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)),
    "transposed": Case(node("Transpose", perm=[0, 2, 3, 1])),
    "shuffled": Case(shuffle),
    "sliced": Case(node("Slice", [1, -1], [4, -(2**63)], [1, 3], [2, -2])),
    "gathered": Case(node("Gather", [2, 0, -1], axis=2)),
    "split": Case(swapped),
    "halves of a computed size": Case(halves),
    "joined in rows": Case(joined_in_rows),
    "depth to space": Case(node("DepthToSpace", blocksize=2)),
    "depth to space by columns": Case(node("DepthToSpace", blocksize=2, mode="CRD")),
    "space to depth": Case(node("SpaceToDepth", blocksize=2), (2, 4, 6)),
    "expanded": Case(node("Expand", [1, 4, 6, 5]), (4, 1, 5)),
    "tiled": Case(node("Tile", [1, 2, 1, 3])),
    "a chain of shapes": Case(shape_chain),
    "nearest": Case(resize("nearest", [1, 1, 2, 2], "asymmetric", nearest_mode="floor")),
    "nearest to any size": Case(resize("nearest", [1, 1, 1.5, 3], "half_pixel")),
    "linear": Case(resize("linear", [1, 1, 2, 2], "half_pixel")),
    "linear by three": Case(resize("linear", [1, 1, 3, 1], "asymmetric")),
    "linear as PyTorch": Case(resize("linear", [1, 1, 2, 4], "pytorch_half_pixel")),
    "linear by a part": Case(resize("linear", [1, 1, 1.5, 2.5], "half_pixel")),
    "linear, smaller": Case(resize("linear", [1, 1, 0.5, 0.6], "asymmetric")),
    "linear between corners": Case(resize("linear", [1, 1, 2, 3], "align_corners")),
    "linear to one row": Case(resize("linear", [1, 1, 0.2, 9.7], "pytorch_half_pixel")),
    "a mean over channels": Case(node("ReduceMean", axes=[1])),
    "a mean of rows": Case(node("ReduceMean", axes=[-1], keepdims=0)),
    "a maximum over two axes": Case(node("ReduceMax", axes=[1, 3])),
    "a minimum of each channel": Case(node("ReduceMin", axes=[2, 3])),
    "a minimum of rows": Case(node("ReduceMin", axes=[-1], keepdims=0)),
    "a minimum behind a layer": Case(lowest_of_a_layer),
    "a sum of columns": Case(node("ReduceSum", [2])),
    "transposed conv": Case(layer("ConvTranspose", (4, 3, 2, 2), strides=[2, 2])),
    "transposed conv with pads": Case(
        layer(
            "ConvTranspose", (4, 3, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]
        )
    ),
    "transposed conv with dilations": Case(
        layer("ConvTranspose", (4, 3, 4, 2), strides=[3, 1], pads=[2, 0, 1, 1], dilations=[1, 2])
    ),
    "transposed conv in groups": Case(
        layer("ConvTranspose", (4, 2, 3, 3), strides=[2, 2], group=2)
    ),
    "transposed conv of signals": Case(
        layer("ConvTranspose", (4, 3, 5), strides=[2], pads=[3, 1]), SIGNAL
    ),
}


def two_ends(*, quantized: bool) -> onnx.ModelProto:
    """Inputs image [N, 1, 4, 4] and features [N, 3]; their dense layers joined, and one alone."""
    model = Model()
    rng = np.random.default_rng(5)
    logits = []
    for name, size in (("image", 16), ("features", 3)):
        model.last = name
        if quantized:
            model.pair(name, scale=0.5, zero=100)
        model.add("Flatten")
        values = rng.integers(-20, 21, (size, 4))
        weights = model.weights(values, 0.03) if quantized else model.constant(values * 0.03)
        logits.append(model.add("MatMul", None, weights))
    if quantized:
        logits = [model.pair(name, scale=2.0, zero=128) for name in logits]
    joined = model.add("Concat", *logits, axis=1)
    if quantized:
        joined = model.pair(scale=2.0, zero=128)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        model.nodes,
        "two_ends",
        [
            value("image", TensorProto.FLOAT, ["n", 1, 4, 4]),
            value("features", TensorProto.FLOAT, ["n", 3]),
        ],
        [value(joined, TensorProto.FLOAT, None), value(logits[1], TensorProto.FLOAT, None)],
        model.tensors,
    )
    opsets = [helper.make_opsetid("", model.opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)
