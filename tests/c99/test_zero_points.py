"""Zero points by channel of numbers on both sides of 0: ONNX Runtime's numbers, and in C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.check.integer import verify
from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.ir.graph import Graph, Node
from quantbench.c99.nodes.frame import Frame
from quantbench.c99.target.isa import AVX2, AVX512VBMI, AVX512VNNI, SSE2, Isa
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError
from tests.c99.checking import SANITIZED, chosen, ran
from tests.c99.models import Model

Build = Callable[[Model, str, int], object]
CHANNELS, SIDE = 4, 6
SCALES, ZEROS = [0.01, 0.02, 0.03, 0.04], [40, 250, 0, 91]


def conv(model: Model, source: str, kernel: int = 1, groups: int = 1) -> str:
    """A convolution that keeps the shape, with a weight scale for each channel and a bias."""
    return filters(model, source, kernel, groups, pads=[kernel // 2] * 4)


def filters(
    model: Model, source: str, kernel: int, groups: int, count: int = CHANNELS,
    **more: list[int],
) -> str:  # fmt: skip
    rng = np.random.default_rng(len(model.nodes))
    values = rng.integers(-127, 128, (count, CHANNELS // groups, kernel, kernel))
    scales = rng.uniform(0.002, 0.004, count).astype(np.float32)
    weights = model.weights(values, scales, np.zeros(count), axis=0)
    bias = model.constant(rng.normal(0, 0.5, count))
    return model.add("Conv", source, weights, bias, group=groups, **more)


def by_channel(model: Model, source: str, lowest: int) -> str:
    type = "int8" if lowest else "uint8"
    return model.pair(source, SCALES, [zero + lowest for zero in ZEROS], type, axis=1)


def before_depthwise(producer: Callable[[Model, str], str]) -> Build:
    def build(model: Model, x: str, lowest: int) -> None:
        conv(model, by_channel(model, producer(model, x), lowest), 3, CHANNELS)

    return build


def read_by(consumer: Callable[[Model, str], object]) -> Build:
    def build(model: Model, x: str, lowest: int) -> None:
        consumer(model, by_channel(model, x, lowest))

    return build


def clipped(model: Model, x: str) -> str:
    return model.add("Clip", x, model.constant(-1.0), model.constant(0.7))


def uneven_pads(model: Model, x: str) -> str:
    return filters(model, x, 3, CHANNELS, 2 * CHANNELS, pads=[2, 0, 1, 1], strides=[2, 2])


def pooled(model: Model, x: str) -> None:
    conv(model, x, 3, CHANNELS)
    model.add("Relu")
    model.add("AveragePool", kernel_shape=[2, 2], strides=[2, 2])


def real_layer(model: Model, x: str) -> None:
    weights = np.random.default_rng(2).normal(0, 0.5, (CHANNELS, CHANNELS, 1, 1))
    model.add("Conv", x, model.constant(weights))


PRODUCERS: dict[str, tuple[Callable[[Model, str], str], list[str]]] = {
    "sums": (conv, ["Conv", "Mix"]),
    "function of sums": (
        lambda m, x: m.add("HardSwish", conv(m, x)), ["Conv", "Curve", "Mix"],
    ),
    "function": (lambda m, x: m.add("HardSwish", x), ["Table"]),
    "change of scale": (lambda _, x: x, ["Mix"]),
    "limits": (clipped, ["Mix", "Mix"]),
    "sum": (lambda m, x: m.add("Add", conv(m, x), x), ["Conv", "Mix", "Mix"]),
    "product": (
        lambda m, x: m.add("Mul", conv(m, x), m.add("GlobalAveragePool", x)),
        ["Conv", "Pool", "Mix", "Mix", "Product", "Mix"],
    ),
    "turned": (lambda m, x: m.add("Transpose", x, perm=[0, 1, 3, 2]), ["Mix", "Rearrange", "Mix"]),
}  # fmt: skip
"""What is rounded to zero points by channel, and its nodes."""

CONSUMERS: dict[str, tuple[Callable[[Model, str], object], list[str]]] = {
    "no pads": (lambda m, x: filters(m, x, 3, CHANNELS), ["Conv"]),
    "uneven pads": (uneven_pads, ["Frame", "Conv"]),
    "pooled layer": (pooled, ["Frame", "Conv"]),
    "sum": (lambda m, x: m.add("Add", x, conv(m, x, 1, CHANNELS)), ["Mix", "Conv", "Mix"]),
    "product": (
        lambda m, x: m.add("Mul", x, conv(m, x, 1, CHANNELS)),
        ["Mix", "Conv", "Mix", "Mix", "Product"],
    ),
    "function": (lambda m, x: m.add("HardSwish", x), ["Mix", "Curve"]),
    "relu": (lambda m, x: m.add("Relu", x), ["Mix"]),
    "mean": (lambda m, x: m.add("GlobalAveragePool", x), ["Mix", "Mix", "Pool", "Mix"]),
    "maximum": (lambda m, x: m.add("MaxPool", x, kernel_shape=[2, 2]), ["Mix", "Pool"]),
    "turned": (lambda m, x: m.add("Transpose", x, perm=[0, 1, 3, 2]), ["Mix", "Rearrange"]),
    "another rounding": (lambda m, x: m.pair(x, 0.03, 5), ["Mix", "Requantize"]),
    "weights of float32": (real_layer, ["Mix", "Mix", "WideConv"]),
}
"""What reads them, and its nodes."""

CASES: dict[str, tuple[Build, list[str]]] = {
    f"{name}, read by a layer": (before_depthwise(build), [*kinds, "Frame", "Conv"])
    for name, (build, kinds) in PRODUCERS.items()
} | {f"read by {name}": (read_by(build), ["Mix", *k]) for name, (build, k) in CONSUMERS.items()}


def built(name: str, type: str) -> Model:
    model = Model(("n", CHANNELS, SIDE, SIDE), opset=21)
    lowest = -128 if type == "int8" else 0
    CASES[name][0](model, model.pair("x", 0.03, 120 + lowest, type), lowest)
    model.pair(None, 0.02, 60 + lowest, type)
    return model


def kinds(graph: Graph) -> list[str]:
    return [node.__class__.__name__ for node in graph.nodes]


@pytest.mark.parametrize("name", CASES)
def test_each_agrees_with_onnx_runtime(tmp_path: Path, name: str) -> None:
    for type in ("uint8", "int8"):
        path = built(name, type).saved(tmp_path)
        require_agreement(read(path))
        assert kinds(import_onnx(path)) == CASES[name][1], type


@pytest.mark.parametrize(
    "kernels", [None, SSE2, AVX2, AVX512VNNI, AVX512VBMI], ids=lambda isa: isa and isa.name
)
def test_c_has_the_bits_of_the_interpreter(tmp_path: Path, kernels: Isa | None) -> None:
    flags = chosen(kernels)
    target = Target.PORTABLE if kernels is None else Target.NATIVE
    for number, name in enumerate(CASES):
        folder = tmp_path / str(number)
        folder.mkdir()
        graph = import_onnx(built(name, "int8").saved(folder))
        assert "PASS" in ran(emit(graph, target).files, folder, *SANITIZED, *flags), name


def test_a_network_may_end_with_them(tmp_path: Path) -> None:
    model = Model(("n", CHANNELS, SIDE, SIDE), opset=21)
    by_channel(model, model.pair("x", 0.03, 120), 0)
    path = model.saved(tmp_path)
    require_agreement(read(path))
    assert kinds(import_onnx(path)) == ["Mix", "Mix"]


def lost(node: Node) -> Node:
    """A frame of the first channel's zero point in all."""
    return replace(node, values=node.values[:1]) if isinstance(node, Frame) else node


def test_a_wrong_frame_is_found(tmp_path: Path) -> None:
    path = built("sums, read by a layer", "uint8").saved(tmp_path)
    graph = import_onnx(path)
    wrong = replace(graph, nodes=tuple(lost(node) for node in graph.nodes))
    verify(read(path), graph)
    with pytest.raises(CompileError, match="would differ from the ONNX file"):
        verify(read(path), wrong)
