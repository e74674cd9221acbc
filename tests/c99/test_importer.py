"""What becomes of QDQ networks: which nodes are fused, and which pairs are dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph
from quantbench.c99.ir.interpreter import execute, quantized
from quantbench.c99.nodes.conv import Conv
from quantbench.c99.nodes.dense import Dense
from quantbench.c99.nodes.pool import Pool
from quantbench.c99.nodes.requantize import Requantize
from quantbench.c99.nodes.reshape import Reshape
from quantbench.c99.ops.add import Add
from quantbench.c99.ops.concat import Concat
from quantbench.c99.ops.pad import Pad
from quantbench.tasks.task import Task
from tests.c99.models import SCALE, Model, images

AGREEMENT = 0.999
STEPS = 4
"""Between our logits and ONNX Runtime's, in steps of the output, 1/255 of its range where it has
none. Up to 3 on the generated digits.
"""
QUANTIZERS = ("ort_static", "nncf_static", "pt2e_static", "qat")


def kinds(graph: Graph) -> list[str]:
    return [type(node).__name__ for node in graph.nodes]


def start() -> Model:
    model = Model()
    model.pair("x")
    return model


@pytest.mark.parametrize("method", QUANTIZERS)
def test_what_every_quantizer_writes_agrees_with_onnx_runtime(
    artifacts: Callable[[str, str, str], Artifact], tasks: Callable[[str], Task], method: str
) -> None:
    artifact = artifacts("lenet", method, "onnx")
    inputs = tasks("lenet").test.inputs()[0]
    ours, theirs = (
        plugins.runtime(name).load(artifact, 1)(inputs) for name in ("reference", "onnxruntime")
    )
    assert (ours.argmax(1) == theirs.argmax(1)).mean() >= AGREEMENT
    graph = import_onnx(artifact.folder / "model.onnx")
    output = graph.tensors[graph.output]
    step = np.ptp(theirs) / 255 if output.type == "int32" else output.scale[0]
    assert np.abs(ours - theirs).max() <= STEPS * step + 1e-5


@pytest.mark.parametrize("method", QUANTIZERS)
def test_lenet_becomes_five_layers(
    artifacts: Callable[[str, str, str], Artifact], method: str
) -> None:
    graph = import_onnx(artifacts("lenet", method, "onnx").folder / "model.onnx")
    assert kinds(graph) == ["Conv", "Conv", "Conv", "Reshape", "Dense", "Dense"]
    poolings = [
        node.pooling and node.pooling.kind for node in graph.nodes if isinstance(node, Conv)
    ]
    assert poolings == ["average", "average", None]


@pytest.mark.parametrize("method", QUANTIZERS)
def test_the_mlp_becomes_dense_layers(
    artifacts: Callable[[str, str, str], Artifact], method: str
) -> None:
    graph = import_onnx(artifacts("mlp", method, "onnx").folder / "model.onnx")
    assert {*kinds(graph)} == {"Dense", "Reshape"}


def test_a_relu_is_a_limit_of_the_result(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("Relu")
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.requantize
    assert (conv.low, conv.requantize.low, conv.requantize.high) == (None, 10, 255)


def test_before_an_average_a_relu_is_a_limit_of_the_sums(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("Relu")
    model.add("AveragePool", kernel_shape=[3, 3], strides=[3, 3])
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.low is not None
    assert conv.low.tolist() == [0, 0, 0]
    assert conv.requantize
    assert conv.requantize.low == 0


def test_a_clip_is_rounded_to_steps(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("Clip", None, model.constant(-1.3), model.constant(6.0))
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.requantize
    assert (conv.requantize.low, conv.requantize.high) == (10 - 3, 10 + 12)


@pytest.mark.parametrize(
    ("scale", "zero", "low", "high"), [(3 / 255, 0, 0, 24), (SCALE, 10, -40, 980)]
)
def test_a_pair_before_an_average_is_dropped_but_for_its_limits(
    tmp_path: Path, scale: float, zero: int, low: int, high: int
) -> None:
    """An accumulator counts eighths."""
    model = start()
    model.conv()
    model.pair(None, scale=scale, zero=zero)
    model.add("AveragePool", kernel_shape=[3, 3], strides=[3, 3])
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.pooling
    assert conv.low is not None
    assert conv.high is not None
    assert (conv.low.tolist(), conv.high.tolist()) == ([low] * 3, [high] * 3)


def test_scales_may_be_nodes_behind_what_they_decide(tmp_path: Path) -> None:
    """As torch.onnx writes them: each DequantizeLinear has constants of its own before it."""
    model = start()
    model.conv()
    for op, scale in (("AveragePool", 0.5), ("", 0.6)):
        for kind in ("QuantizeLinear", "DequantizeLinear"):
            model.add(kind, None, model.lifted(scale, "float32"), model.lifted(0, "uint8"))
        if op:
            model.add(op, kernel_shape=[3, 3], strides=[3, 3])
    assert kinds(import_onnx(model.saved(tmp_path))) == ["Conv"]


def test_a_limit_that_no_sum_reaches_costs_nothing(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("Clip", None, model.constant(-1e6), model.constant(1e6))
    model.add("AveragePool", kernel_shape=[3, 3], strides=[3, 3])
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert (conv.low, conv.high) == (None, None)


@pytest.mark.parametrize("follower", ["AveragePool", "MaxPool", "Relu", "Clip"])
def test_a_pair_that_is_coarser_than_what_follows_is_kept(tmp_path: Path, follower: str) -> None:
    model = start()
    model.conv()
    model.pair(None, scale=4.0, zero=0)
    attributes = {"kernel_shape": [3, 3], "strides": [3, 3]} if "Pool" in follower else {}
    model.add(follower, **attributes)
    model.pair(None, scale=1.0)
    nodes = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(nodes[0], Conv)
    assert nodes[0].pooling is None
    assert nodes[0].requantize
    assert len(nodes) > 1


def test_a_pair_that_another_node_reads_is_kept(tmp_path: Path) -> None:
    model = start()
    model.conv()
    read = model.pair(None)
    model.add("MaxPool", kernel_shape=[1, 1])
    pooled = model.pair(None)
    model.add("Add", read, pooled)
    model.pair(None)
    graph = import_onnx(model.saved(tmp_path))
    assert kinds(graph) == ["Conv", "Pool", "Add"]


@pytest.mark.parametrize(
    "window",
    [
        {"kernel_shape": [2, 2], "strides": [1, 1]},
        {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [1, 1, 0, 0]},
    ],
)
def test_a_pooling_that_overlaps_or_pads_stands_by_itself(
    tmp_path: Path, window: dict[str, list[int]]
) -> None:
    model = start()
    model.conv()
    model.pair(None)
    model.add("AveragePool", **window)
    model.pair(None)
    assert kinds(import_onnx(model.saved(tmp_path))) == ["Conv", "Pool"]


def test_an_average_that_leaves_out_its_pads_has_a_multiplier_for_each_count(
    tmp_path: Path,
) -> None:
    model = start()
    model.add("AveragePool", kernel_shape=[2, 3], pads=[1, 1, 0, 1])
    model.pair(None)
    (pool,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(pool, Pool)
    assert pool.requantize
    assert not pool.count_pads
    assert [round(1 / m.value, 6) for m in pool.requantize.multipliers] == [1, 2, 3, 4, 5, 6]


def test_what_keeps_the_values_leaves_no_rescale(tmp_path: Path) -> None:
    model = start()
    model.add("Flatten")
    model.pair()
    model.add("Reshape", None, model.constant([-1, 4, 2, 4], "int64"))
    model.pair()
    assert kinds(import_onnx(model.saved(tmp_path))) == ["Reshape"]


def test_a_change_of_scale_is_a_rescale(tmp_path: Path) -> None:
    model = start()
    model.pair(None, scale=1.0, zero=-3, type="int8")
    (rescale,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(rescale, Requantize)
    assert rescale.requantize.multipliers[0].value == 0.5
    assert rescale.requantize.zero_point == -3


def test_a_sum_has_a_common_shift_and_its_relu(tmp_path: Path) -> None:
    model = start()
    one = model.last
    model.conv(np.ones((2, 2, 1, 1)))
    other = model.pair(None, scale=1.0, zero=128)
    model.add("Add", one, other)
    model.add("Relu")
    model.pair()
    add = import_onnx(model.saved(tmp_path)).nodes[-1]
    assert isinstance(add, Add)
    assert [m / 2**add.requantize.shift for m in add.requantize.multipliers] == [1.0, 2.0]
    assert (add.requantize.zero_points, add.requantize.low) == ((10, 128), 10)


def test_inputs_of_a_concatenation_are_rescaled_where_they_differ(tmp_path: Path) -> None:
    model = start()
    one = model.last
    other = model.pair(None, scale=2.0)
    model.add("Concat", one, other, axis=1)
    model.pair()
    assert kinds(import_onnx(model.saved(tmp_path))) == ["Requantize", "Requantize", "Concat"]


def test_a_frame_is_of_the_integer_that_stands_for_its_number(tmp_path: Path) -> None:
    model = start()
    model.add("Pad", None, model.constant([0, 0, 1, 2, 0, 0, 3, 4], "int64"), model.constant(2.0))
    model.pair()
    graph = import_onnx(model.saved(tmp_path))
    (pad,) = graph.nodes
    assert isinstance(pad, Pad)
    assert (pad.pads, pad.value) == ((1, 2, 3, 4), 14)
    assert graph.tensors[graph.output].shape == (2, 8, 10)


def test_batch_normalization_with_a_negative_factor_turns_the_weights(tmp_path: Path) -> None:
    model = start()
    weights = np.array([1, -128, 3, 4, 5, 6]).reshape(3, 2, 1, 1)
    model.conv(weights)
    given = [[2.0, -2.0, 0.0], [0.0, 1.0, 5.0], [0.0, 0.0, 9.0], [1.0, 1.0, 1.0]]
    model.add("BatchNormalization", None, *(model.constant(one) for one in given), epsilon=0.0)
    graph = import_onnx(model.saved(tmp_path))
    (conv,) = graph.nodes
    assert isinstance(conv, Conv)
    assert conv.weights.reshape(3, 2).tolist() == [[1, -128], [-3, -4], [0, 0]]
    assert graph.tensors[graph.output].scale == (0.25, 0.25, 0.125)
    assert conv.bias.tolist() == [1270, 4 + 70, 40]


def test_the_most_negative_weight_turned_is_128(tmp_path: Path) -> None:
    model = start()
    model.conv(np.full((1, 2, 1, 1), -128))
    ones = [model.constant([one]) for one in (-1.0, 0.0, 0.0, 1.0)]
    model.add("BatchNormalization", None, *ones)
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.weights.max() == 128


def test_a_bias_at_the_scale_of_the_sums_is_exact(tmp_path: Path) -> None:
    """float32 holds 0.1 * 0.3 only to 24 bits; the bias has 30."""
    model = Model()
    model.pair("x", scale=0.1, zero=0)
    scale = np.float32(0.3)
    weights = model.weights(np.ones((1, 2, 1, 1)), scale)
    step = model.constant(np.float32(0.1) * scale)
    bias = model.add("DequantizeLinear", model.constant([2**30 - 1], "int32"), step)
    model.add("Conv", model.nodes[1].output[0], weights, bias)
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.bias.tolist() == [2**30 - 1]


def test_a_dead_channel_keeps_its_bias(tmp_path: Path) -> None:
    """A scale of 1e-12 would need a bias of 39 bits."""
    model = start()
    weights = model.weights([[[[0]], [[0]]], [[[1]], [[1]]]], [1e-12, 0.25], [0, 0], axis=0)
    model.add("Conv", None, weights, model.constant([0.3, 0.3]))
    model.pair(None, scale=0.01)
    graph = import_onnx(model.saved(tmp_path))
    found = execute(graph, quantized(images(1, 2, 4, 4), graph.tensors[graph.input]))
    assert (found[:, 0] == 40).all()


def test_a_last_layer_that_is_not_quantized_gives_accumulators(tmp_path: Path) -> None:
    model = start()
    model.add("Flatten")
    weights = model.weights(np.ones((32, 3)), [0.25, 0.5, 1.0], [0, 0, 0], axis=-1)
    model.add("MatMul", None, weights)
    model.add("Add", model.constant([1.0, 1.0, 1.0]), model.last)
    model.add("Softmax")
    graph = import_onnx(model.saved(tmp_path))
    dense = graph.nodes[-1]
    assert isinstance(dense, Dense)
    assert dense.requantize is None
    assert dense.bias.tolist() == [8 - 320, 4 - 320, 2 - 320]
    output = graph.tensors[graph.output]
    assert (output.type, output.scale, graph.final) == ("int32", (0.125, 0.25, 0.5), "softmax")


def test_a_last_average_is_of_accumulators(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("GlobalAveragePool")
    model.add("Flatten")
    graph = import_onnx(model.saved(tmp_path))
    conv, reshape = graph.nodes
    assert isinstance(conv, Conv)
    assert isinstance(reshape, Reshape)
    assert graph.tensors[graph.output].scale == (0.125 / 9,)


@pytest.mark.parametrize(
    ("how", "pads"), [("SAME_UPPER", (1, 1, 2, 2)), ("SAME_LOWER", (2, 2, 1, 1))]
)
def test_same_pads_unevenly(tmp_path: Path, how: str, pads: tuple[int, ...]) -> None:
    model = start()
    model.conv(np.ones((1, 2, 4, 4)), auto_pad=how)
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.window.pads == pads
    assert conv.padding == 10


def test_what_the_output_does_not_need_is_not_looked_at(tmp_path: Path) -> None:
    model = start()
    wanted = model.last
    model.add("Sin")
    assert import_onnx(model.saved(tmp_path, wanted)).nodes == ()


def test_clip_of_operator_set_10_has_attributes(tmp_path: Path) -> None:
    model = Model(opset=10)
    model.pair("x")
    model.conv()
    model.add("Clip", max=6.0)
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.requantize
    assert conv.requantize.high == 22


def test_concatenated_layers_are_rounded_to_one_scale(tmp_path: Path) -> None:
    model = start()
    input = model.last
    one = model.conv(np.ones((1, 2, 1, 1)))
    model.last = input
    other = model.conv(-np.ones((2, 2, 1, 1)))
    model.add("Concat", one, other, axis=1)
    model.add("Relu")
    model.pair()
    graph = import_onnx(model.saved(tmp_path))
    assert kinds(graph) == ["Conv", "Conv", "Concat", "Requantize"]
    assert isinstance(graph.nodes[2], Concat)
    assert graph.tensors[graph.output].shape == (3, 4, 4)


def test_a_pooling_with_pads_follows_the_rounding_of_its_layer(tmp_path: Path) -> None:
    model = start()
    model.conv()
    model.add("Relu")
    model.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    model.pair()
    assert kinds(import_onnx(model.saved(tmp_path))) == ["Conv", "Pool"]


@pytest.mark.parametrize(("opset", "keep"), [(13, 0), (18, 1)])
def test_the_mean_of_an_image_is_a_pooling(tmp_path: Path, opset: int, keep: int) -> None:
    """As PyTorch's exporter writes AdaptiveAvgPool2d(1)."""
    model = Model(opset=opset)
    model.pair("x")
    model.conv()
    axes = [model.constant([-1, -2], "int64")] if opset >= 18 else []
    model.add("ReduceMean", None, *axes, keepdims=keep, **({} if axes else {"axes": [2, 3]}))
    model.pair()
    graph = import_onnx(model.saved(tmp_path))
    conv = graph.nodes[0]
    assert isinstance(conv, Conv)
    assert conv.pooling
    assert (conv.pooling.kind, conv.pooling.window.kernel) == ("average", (3, 3))
    assert graph.tensors[graph.output].shape == ((3, 1, 1) if keep else (3,))


def test_a_scalar_zero_point_goes_with_a_vector_of_one_scale(tmp_path: Path) -> None:
    """As ONNX Runtime writes a bias, where weights have one scale."""
    model = start()
    weights, input = model.weights(np.ones((1, 2, 1, 1))), model.last
    bias = model.add(
        "DequantizeLinear",
        model.constant([5], "int32"),
        model.constant([0.125]),
        model.constant(0, "int32"),
    )
    model.add("Conv", input, weights, bias)
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert conv.bias.tolist() == [5 - 20]
