"""Networks that are large or deep: bounded before memory is taken, and read in linear time."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compile import planned
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Window
from quantbench.c99.ir.interpreter import execute
from quantbench.c99.ir.patches import products
from quantbench.errors import CompileError
from tests.c99.models import Model

SECONDS = 2.0
Build = Callable[[Model, bool], object]
DeepBuild = Callable[[Model, bool, int], object]


def start(shape: tuple[int | str, ...], *, quantized: bool) -> Model:
    model = Model(shape)
    if quantized:
        model.pair("x")
    return model


def end(model: Model, quantized: bool) -> None:
    if quantized:
        model.pair()


def repeated(op: str, *more: str, **attributes: object) -> DeepBuild:
    def build(model: Model, quantized: bool, depth: int) -> None:
        for _ in range(depth):
            model.add(op, None, *more, **attributes)
        end(model, quantized)

    return build


def sums(model: Model, quantized: bool, depth: int) -> None:
    for _ in range(depth):
        model.add("Add", model.last, model.last)
        end(model, quantized)


def unrounded_sums(model: Model, quantized: bool, depth: int) -> None:
    for _ in range(depth):
        model.add("Add", model.last, model.last)


def biases(model: Model, quantized: bool, depth: int) -> None:
    weights = np.ones((2, 2, 1, 1))
    if quantized:
        model.conv(weights)
    else:
        model.add("Conv", None, model.constant(weights))
    for number in range(depth):
        model.add("Add", None, model.constant(number / 7))
    end(model, quantized)


def joined(model: Model, quantized: bool, depth: int) -> None:
    first = model.last
    for _ in range(depth):
        model.add("Concat", None, first, axis=1)
    end(model, quantized)


DEEP: dict[str, tuple[DeepBuild, str]] = {
    "sums": (sums, ""),
    "sums that nothing rounds": (unrounded_sums, "isn't quantized"),
    "biases": (biases, ""),
    "activations": (repeated("Relu"), ""),
    "the same": (repeated("Identity"), ""),
    "maxima": (repeated("MaxPool", kernel_shape=[1, 1]), ""),
    "one part each": (repeated("Concat", axis=1), ""),
    "ever larger": (joined, "its tensors have"),
}


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("name", DEEP)
def test_a_deep_network_is_read_in_linear_time(tmp_path: Path, name: str, quantized: bool) -> None:
    """Ten times the depth: quadratic reading would take a hundred times as long."""
    build, refusal = DEEP[name]
    seconds = []
    for depth in (500, 5000):
        model = start(("n", 2, 4, 4), quantized=quantized)
        build(model, quantized, depth)
        path = model.saved(tmp_path)
        begun, reason = time.thread_time(), ""
        try:
            planned(path)
        except CompileError as error:
            reason = str(error)
        seconds.append(time.thread_time() - begun)
    assert seconds[1] < 60 * seconds[0] + 0.1
    assert refusal in reason or not quantized
    assert refusal or not reason


def test_a_wide_image_takes_little_memory(tmp_path: Path) -> None:
    """Its windows, all of them copied at once, would take 1 GiB an image."""
    model = start(("n", 1, 1, 250_000), quantized=True)
    model.conv(np.ones((1, 1, 1, 512)), pads=[0, 256, 0, 255])
    model.add("MaxPool", kernel_shape=[1, 10], strides=[1, 10])
    model.pair()
    graph = import_onnx(model.saved(tmp_path))
    image = np.zeros((1, *graph.tensors[graph.input].shape), np.int64)
    tracemalloc.start()
    try:
        execute(graph, image)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200 * 2**20


def large_ends(model: Model, quantized: bool) -> None:
    model.add("Relu")
    end(model, quantized)


def far_pads(model: Model, quantized: bool) -> None:
    """Few windows of an image that is 65,540 wide and high with its pads."""
    weights = np.ones((1, 2, 1, 1))
    given = model.weights(weights) if quantized else model.constant(weights)
    model.add("Conv", None, given, pads=[2**15] * 4, strides=[2**15] * 2)
    end(model, quantized)


def much_work(model: Model, quantized: bool) -> None:
    """A million weights, at each place of the image."""
    weights = np.ones((256, 1, 64, 64))
    given = model.weights(weights) if quantized else model.constant(weights)
    model.add("Conv", None, given, pads=[31, 31, 32, 32])
    model.add("MaxPool", kernel_shape=[290, 290], strides=[290, 290])
    end(model, quantized)


def before_a_pooling(model: Model, quantized: bool) -> None:
    """Sums that are pooled at once are no tensor, but memory all the same."""
    weights = np.ones((1024, 1, 1, 1))
    given = model.weights(weights) if quantized else model.constant(weights)
    model.add("Conv", None, given)
    model.add("MaxPool", kernel_shape=[16, 16], strides=[16, 16])
    end(model, quantized)


LARGE: dict[str, tuple[tuple[int | str, ...], Build, str]] = {
    "ends": (("n", 4, 1000, 999_996), large_ends, "isn't supported"),
    "ends of a network": (("n", 4, 1000, 1000), large_ends, "input and output have 8,000,000"),
    "pads": (("n", 2, 4, 4), far_pads, "numbers of one image"),
    "sums of all places": (("n", 1, 1024, 1024), much_work, "numbers of one image"),
    "products": (("n", 1, 300, 300), much_work, "multiply-adds for one image"),
    "sums": (("n", 1, 512, 512), before_a_pooling, "numbers of one image"),
}


@pytest.mark.parametrize("quantized", [True, False])
@pytest.mark.parametrize("name", LARGE)
def test_what_takes_too_much_is_refused_at_once(tmp_path: Path, name: str, quantized: bool) -> None:
    shape, build, words = LARGE[name]
    model = start(shape, quantized=quantized)
    build(model, quantized)
    path = model.saved(tmp_path)
    begun = time.thread_time()
    with pytest.raises(CompileError) as caught:
        planned(path)
    assert time.thread_time() - begun < SECONDS
    assert words in str(caught.value)


def test_windows_multiplied_in_parts_are_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a sum written out for each output."""
    rng = np.random.default_rng(1)
    values, weights = rng.integers(-9, 9, (2, 4, 7, 9)), rng.integers(-9, 9, (6, 2, 2, 3))
    wanted = np.array([
        [[[sum((values[n, o // 3 * 2 : o // 3 * 2 + 2, y : y + 2, x : x + 3] * weights[o]).ravel())
           for x in range(7)] for y in range(6)] for o in range(6)] for n in range(2)
    ])  # fmt: skip
    for copied in (1, 30, 100, 2**22):
        monkeypatch.setattr("quantbench.c99.ir.patches._COPIED", copied)
        assert np.array_equal(products(values, weights, Window((2, 3)), 2), wanted)


@pytest.mark.parametrize("values", [255, 257, -257, 2**31])
def test_sums_beyond_24_bits_are_exact(values: int) -> None:
    """257 * 255 * 257 is odd and above 2**24, where float32 has even numbers alone."""
    images, weights = np.full((1, 255, 1, 1), values), np.full((2, 255, 1, 1), 257)
    weights[1] = -1
    sums = products(images, weights, Window((1, 1)), 1)
    assert sums.ravel().tolist() == [255 * 257 * values, -255 * values]
