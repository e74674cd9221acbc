"""Exact ties against ONNX Runtime: with scales that are powers of two float32 rounds nothing, so
the integer network gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.interpreter import dequantized, execute, quantized
from tests.c99.checking import command
from tests.c99.models import SCALE, Model
from tests.c99.rounding import rounded_up
from tests.c99.together import all_pass

SHAPE = (2, 8, 8)
IMAGES = 40


def average(model: Model, side: int) -> None:
    model.add("AveragePool", kernel_shape=[side] * 2, strides=[side] * 2)
    model.pair()


def average_beside_pads(model: Model) -> None:
    """Of 1, 2 or 4 values."""
    model.add("AveragePool", kernel_shape=[2, 2], strides=[1, 1], pads=[1, 1, 1, 1])
    model.pair()


def average_of_sums(model: Model) -> None:
    """Rounded once, behind the convolution and its ReLU."""
    convolution(model, np.random.default_rng(3).integers(-1, 2, (5, 2, 3, 3)))
    model.add("Relu")
    model.add("GlobalAveragePool")
    model.pair(scale=SCALE / 32)


def convolution(model: Model, values: NDArray[np.int64]) -> None:
    model.add("Conv", None, model.weights(values, scale=SCALE), pads=[1, 1, 1, 1])


def layer(model: Model, outputs: int, times: int) -> None:
    """Sums in steps of SCALE**2, rounded to `times` of them."""
    convolution(model, np.random.default_rng(outputs).integers(-3, 4, (outputs, 2, 3, 3)))
    model.pair(scale=SCALE**2 * times, zero=128)


def connected(model: Model) -> None:
    model.add("Flatten")
    values = np.random.default_rng(1).integers(-1, 2, (128, 20))
    model.add("MatMul", None, model.weights(values, scale=SCALE))
    model.pair(scale=SCALE**2 * 8, zero=100)


def halved(model: Model) -> None:
    model.pair(scale=2 * SCALE, zero=3)


def signed(model: Model) -> None:
    model.pair(scale=2 * SCALE, zero=-5, type="int8")


def residual(model: Model, times: int) -> None:
    """Two tensors of scales that are 2 * `times` apart or equal."""
    one = model.last
    other = model.pair(scale=SCALE * times, zero=200)
    model.add("Add", one, other)
    model.pair(scale=2 * SCALE * times)


def joined(model: Model) -> None:
    model.add("Concat", None, model.last, axis=1)
    model.pair(scale=4 * SCALE, zero=7)


NETWORKS: dict[str, Callable[[Model], None]] = {
    **{f"average of {side * side}": partial(average, side=side) for side in (2, 4, 8)},
    "average beside pads": average_beside_pads,
    "average of sums": average_of_sums,
    **{f"conv to {n}": partial(layer, outputs=n, times=2) for n in (1, 4, 40)},
    "conv by 16": partial(layer, outputs=20, times=16),
    "dense": connected,
    "rescale": halved,
    "signed": signed,
    "add": partial(residual, times=1),
    "add of other scales": partial(residual, times=4),
    "concat": joined,
}


def built(make: Callable[[Model], None], folder: Path) -> Path:
    model = Model(("n", *SHAPE))
    model.pair("x")
    make(model)
    return model.saved(folder)


def steps() -> NDArray[np.float32]:
    """Every value that the input has, at random."""
    values = np.random.default_rng(2).integers(-20, 260, (IMAGES, *SHAPE))
    return (values * SCALE).astype(np.float32)


def as_written(path: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """By ONNX Runtime, which goes by the graph to the letter where it optimizes nothing."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": inputs})[0], np.float32)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_bits_as_onnx_runtime(tmp_path: Path, name: str) -> None:
    path, inputs = built(NETWORKS[name], tmp_path), steps()
    graph = import_onnx(path)
    values, output = quantized(inputs, graph.tensors[graph.input]), graph.tensors[graph.output]
    theirs = as_written(path, inputs)
    assert np.array_equal(dequantized(execute(graph, values), output), theirs)
    others = dequantized(rounded_up(graph, values), output)
    assert (others != theirs).mean() > 0.01  # there are ties


def test_the_c_of_them(tmp_path: Path) -> None:
    graphs = [import_onnx(built(make, tmp_path)) for make in NETWORKS.values()]
    all_pass([emit(graph).files for graph in graphs], tmp_path, (*command(), "-O1"))


def test_a_limit_that_is_a_tie(tmp_path: Path) -> None:
    def limited(model: Model) -> None:
        model.add("Clip", None, model.constant(-3.5 * SCALE), model.constant(20.5 * SCALE))
        model.pair()

    path, inputs = built(limited, tmp_path), steps()
    graph = import_onnx(path)
    ours = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    assert np.array_equal(dequantized(ours, graph.tensors[graph.output]), as_written(path, inputs))


@pytest.mark.parametrize("steps_of_padding", [-1.5, -0.5, 0.5, 2.5])
def test_a_padding_that_is_a_tie(tmp_path: Path, steps_of_padding: float) -> None:
    def framed(model: Model) -> None:
        pads = model.constant([0, 0, 1, 1, 0, 0, 1, 1], "int64")
        model.add("Pad", None, pads, model.constant(steps_of_padding * SCALE))
        model.pair()

    path, inputs = built(framed, tmp_path), steps()
    graph = import_onnx(path)
    ours = execute(graph, quantized(inputs, graph.tensors[graph.input]))
    assert np.array_equal(dequantized(ours, graph.tensors[graph.output]), as_written(path, inputs))
