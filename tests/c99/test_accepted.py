"""Ways in which quantizers write the same network: each is compiled, and agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from quantbench.c99.check.integer import verify
from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.importer import import_onnx
from quantbench.c99.nodes.limit import Limit
from quantbench.errors import CompileError
from tests.c99.beside import agrees, onnx_runtime
from tests.c99.models import Model, images

pytestmark = pytest.mark.usefixtures("own_cache")
_WEIGHTS = np.random.default_rng(3).integers(-9, 10, (3, 2, 2, 2))
STEP = 4.0


def conv(model: Model) -> None:
    model.conv(_WEIGHTS)
    model.pair(None, scale=STEP, zero=100)


def no_zero_points(model: Model) -> None:
    """The type is that of output_dtype."""
    scale = model.constant(0.5)
    model.add("QuantizeLinear", "x", scale, output_dtype=TensorProto.INT8)
    model.add("DequantizeLinear", None, scale)
    conv(model)


def zero_point_of_one(model: Model) -> None:
    """DequantizeLinear has the type of what it reads."""
    scale = model.constant(0.5)
    model.add("QuantizeLinear", "x", scale, model.constant(0, "int8"))
    model.add("DequantizeLinear", None, scale)
    conv(model)


def dropped_without_zero_point(model: Model) -> None:
    model.pair("x")
    model.conv(_WEIGHTS)
    scale = model.constant(STEP)
    model.add("QuantizeLinear", None, scale, model.constant(0, "int8"))
    model.add("DequantizeLinear", None, scale)
    model.add("Relu")
    model.pair(None, scale=STEP, zero=0)


def idle_between(model: Model) -> None:
    scale, zero = model.constant(0.5), model.constant(7, "uint8")
    model.add("QuantizeLinear", "x", scale, zero)
    model.add("Identity")
    model.add("Cast", None, to=TensorProto.UINT8)
    model.add("DequantizeLinear", None, scale, zero)
    model.add("Cast", None, to=TensorProto.FLOAT)
    conv(model)


def reshaped_between(model: Model) -> None:
    model.pair("x")
    model.conv(_WEIGHTS)
    scale, zero = model.constant(STEP), model.constant(100, "uint8")
    model.add("QuantizeLinear", None, scale, zero)
    model.add("Flatten")
    model.add("DequantizeLinear", None, scale, zero)


def computed_zero_point(model: Model) -> None:
    zero = model.add(
        "ConstantOfShape", model.constant([1], "int64"),
        value=helper.make_tensor("v", TensorProto.INT8, [1], [-5]),
    )  # fmt: skip
    scale = model.add("Cast", model.constant([0.5], "float64"), to=TensorProto.FLOAT)
    model.add("QuantizeLinear", "x", scale, zero)
    model.add("DequantizeLinear", None, scale, zero)
    conv(model)


def limits_behind_a_scale(model: Model) -> None:
    model.pair("x")
    model.conv(_WEIGHTS)
    last = model.last
    scale, zero = model.constant(0.5), model.constant(0, "int8")
    low, high = (
        model.add("DequantizeLinear", model.constant(value, "int8"), scale, zero)
        for value in (-40, 120)
    )
    model.add("Clip", last, low, high)
    model.pair(None, scale=STEP, zero=100)


FORMS: dict[str, Callable[[Model], None]] = {
    "no zero points": no_zero_points,
    "the zero point of one": zero_point_of_one,
    "dropped, the zero point of one": dropped_without_zero_point,
    "idle nodes between": idle_between,
    "another shape between": reshaped_between,
    "a zero point that is computed": computed_zero_point,
    "limits behind a scale": limits_behind_a_scale,
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_of_the_same_network(tmp_path: Path, name: str) -> None:
    model = Model(opset=21)
    FORMS[name](model)
    answers = agrees(model.saved(tmp_path), images(8, 2, 4, 4), within=STEP * 1.001)
    assert np.ptp(answers) > 10 * STEP


def depthwise(model: Model, per_channel: int, **more: Any) -> None:
    """A layer, scales by channel, a depthwise Conv behind."""
    model.pair("x")
    model.conv(_WEIGHTS)
    model.add("Clip", None, model.constant(0.0), model.constant(300.0))
    model.pair(None, [2.0, 0.5, 1.25], [0, 0, 0], axis=1)
    count = 3 * per_channel
    weights = np.random.default_rng(6).integers(-9, 10, (count, 1, 2, 2))
    given = model.weights(weights, np.linspace(0.01, 0.1, count), [0] * count, axis=0)
    model.add("Conv", None, given, group=3, **more)


@pytest.mark.parametrize("per_channel", [1, 2])
def test_scales_by_channel_before_a_depthwise_layer(tmp_path: Path, per_channel: int) -> None:
    model = Model()
    depthwise(model, per_channel, pads=[1, 1, 1, 1])
    model.pair(None, scale=2.0, zero=128)
    agrees(model.saved(tmp_path), images(8, 2, 4, 4), within=2.001)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_poolings_of_scales_by_channel(tmp_path: Path, op: str) -> None:
    model = Model()
    depthwise(model, 1, pads=[1, 1, 1, 1])
    scales = [1.5, 0.5, 1.0]
    model.pair(None, scales, [3, 3, 3], axis=1)
    model.add(op, None, kernel_shape=[2, 2], strides=[1, 1])
    model.pair(None, scales, [3, 3, 3], axis=1)
    agrees(model.saved(tmp_path), images(8, 2, 4, 4), within=2 * 1.501)


@pytest.mark.parametrize(("top", "limits"), [(5000.0, 1), (2.0, 0)])
def test_zero_points_by_channel_behind_a_relu(tmp_path: Path, top: float, limits: int) -> None:
    """The second channel ends 128 steps lower, if its sums reach so far."""
    model = Model()
    model.pair("x")
    model.conv(_WEIGHTS)
    model.add("Clip", None, model.constant(0.0), model.constant(top))
    scales = [2.0, 0.5, 1.25]
    model.pair(None, scales, [-128, 0, -128], "int8", axis=1)
    model.add("MaxPool", None, kernel_shape=[2, 2], strides=[1, 1])
    model.pair(None, scales, [-128, 0, -128], "int8", axis=1)
    weights = model.weights(np.full((3, 1, 2, 2), 3), [0.01, 0.02, 0.03], [0] * 3, axis=0)
    model.add("Conv", None, weights, group=3, pads=[1, 1, 1, 1])
    model.pair(None, scale=0.3, zero=40)
    path = model.saved(tmp_path)
    graph = import_onnx(path)
    made = [node for node in graph.nodes if isinstance(node, Limit)]
    assert len(made) >= limits
    if limits:
        assert made[0].highest.tolist() == [127, -1, 127]
    agrees(path, images(8, 2, 4, 4), within=0.301)
    require_agreement(read(path))
    if limits:
        lost = replace(made[0], highest=made[0].highest * 0 + 127)
        nodes = tuple(lost if node is made[0] else node for node in graph.nodes)
        with pytest.raises(CompileError, match="would differ from the ONNX file"):
            verify(read(path), replace(graph, nodes=nodes))


def test_scales_by_channel_concatenated_and_changed(tmp_path: Path) -> None:
    model = Model()
    first = model.pair("x")
    second = model.conv(np.ones((1, 2, 1, 1)))
    model.add("Concat", first, second, axis=1)
    model.pair(None, [0.5, 0.25, 0.75], [90, 90, 90], axis=1)
    model.pair(None, scale=0.5, zero=-3, type="int8")
    agrees(model.saved(tmp_path), images(8, 2, 4, 4), within=1.001)


class MobileNet(nn.Sequential):
    """Its form, small."""

    def __init__(self) -> None:
        def layer(inputs: int, outputs: int, size: int, stride: int, groups: int) -> nn.Module:
            conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
            normalized = nn.BatchNorm2d(outputs)
            nn.init.normal_(normalized.weight)
            nn.init.normal_(normalized.bias)
            return nn.Sequential(conv, normalized, nn.ReLU6())

        super().__init__(
            layer(3, 8, 3, 2, 1), layer(8, 8, 3, 1, 8), layer(8, 12, 1, 1, 1),
            layer(12, 12, 3, 2, 12), layer(12, 8, 1, 1, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(8, 5),
        )  # fmt: skip


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_nncf_writes_before_depthwise_layers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    path, inputs = tmp_path / "model.onnx", images(32, 3, 16, 16) / 20
    torch.onnx.export(
        MobileNet().eval(), (torch.zeros(1, 3, 16, 16),), path, opset_version=17,
        input_names=["x"], dynamic_axes={"x": {0: "n"}}, dynamo=False,
    )  # fmt: skip
    data = nncf.Dataset(list(inputs[:, None]), lambda image: {"x": image})
    onnx.save(nncf.quantize(onnx.load(path), data, subset_size=len(inputs)), path)
    graph = import_onnx(path)
    assert sum(len(tensor.scale) > 1 for tensor in graph.tensors.values()) >= 3
    agrees(path, inputs, within=float(np.ptp(onnx_runtime(path, inputs))) * 5 / 255)
