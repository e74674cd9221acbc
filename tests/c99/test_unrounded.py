"""Sums that nothing rounds before the next operator: ONNX Runtime's numbers, and in C."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compile import require_agreement
from quantbench.c99.frontend.reader import read
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.target.isa import AVX2, AVX512VBMI, SSE2, Isa
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError
from tests.c99.checking import SANITIZED, chosen, ran
from tests.c99.models import Model

Build = Callable[[Model, str], object]
CHANNELS, SIDE = 4, 6


def conv(model: Model, source: str, kernel: int = 3, groups: int = 1) -> str:
    """A convolution that keeps the shape, with a weight scale for each channel and a bias."""
    rng = np.random.default_rng(len(model.nodes))
    model.last = source
    values = rng.integers(-127, 128, (CHANNELS, CHANNELS // groups, kernel, kernel))
    scales = rng.uniform(0.001, 0.003, CHANNELS).astype(np.float32)
    weights = model.weights(values, scales, np.zeros(CHANNELS), axis=0)
    bias = model.constant(rng.normal(0, 0.5, CHANNELS))
    return model.add("Conv", source, weights, bias, pads=[kernel // 2] * 4, group=groups)


def real_conv(model: Model, source: str, op: str = "Conv", **more: list[int]) -> str:
    """A layer of float32 weights, as quantizers leave those of a gate."""
    rng = np.random.default_rng(len(model.nodes))
    shape = (CHANNELS, CHANNELS, 2, 2) if op == "ConvTranspose" else (CHANNELS, CHANNELS, 1, 1)
    weights, bias = rng.normal(0, 0.5, shape), rng.normal(0, 0.5, CHANNELS)
    return model.add(op, source, model.constant(weights), model.constant(bias), outputs=1, **more)


def function(op: str) -> Build:
    return lambda model, x: model.add(op, conv(model, x))


def times_itself(op: str) -> Build:
    def build(model: Model, x: str) -> None:
        sums = conv(model, x)
        model.add("Mul", sums, model.add(op, sums))

    return build


def four_nodes(model: Model, x: str) -> None:
    """A HardSwish as a sum, a clip, a product and a quotient."""
    sums = conv(model, x)
    model.add("Add", sums, model.constant(3.0))
    model.add("Clip", None, model.constant(0.0), model.constant(6.0))
    model.add("Mul", sums, model.last)
    model.add("Div", None, model.constant(6.0))


def residual(model: Model, x: str) -> None:
    model.add("Add", conv(model, x), x)
    model.add("Relu")


def two_layers(model: Model, x: str) -> None:
    model.add("Add", conv(model, x), conv(model, x, kernel=1))


def sum_of_three(model: Model, x: str) -> None:
    first = model.add("Add", conv(model, x), x)
    model.add("Add", first, conv(model, x, kernel=1))


def mean_of_sum(model: Model, x: str) -> None:
    model.add("Add", conv(model, x), x)
    model.add("GlobalAveragePool")
    model.add("Add", None, x)


def gate(model: Model, x: str) -> None:
    """PT2E's squeeze-and-excite: the scaled tensor isn't rounded where it is multiplied."""
    scaled = model.add("HardSwish", conv(model, x, groups=CHANNELS))
    model.pair(None, 0.05, 20)
    model.pair(model.add("GlobalAveragePool"), 0.05, 20)
    model.add("HardSigmoid", conv(model, model.last, kernel=1))
    model.add("Mul", scaled, model.last)


def real_gate(model: Model, x: str) -> None:
    """NNCF's: a mean that nothing rounds, and layers whose weights are float32."""
    mean = model.add("GlobalAveragePool", x)
    hidden = model.add("Relu", real_conv(model, mean))
    model.add("HardSigmoid", real_conv(model, hidden))
    model.add("Mul", x, model.pair(None, 1 / 255, 0))


def upsampled(model: Model, x: str) -> None:
    """PT2E's U-Net: a transposed convolution of sums, joined with sums."""
    down = model.add("Relu", conv(model, x))
    model.add("MaxPool", model.pair(None, 0.03, 0), kernel_shape=[2, 2], strides=[2, 2])
    small = model.add("Relu", conv(model, model.last))
    up = real_conv(model, small, "ConvTranspose", strides=[2, 2])
    model.add("Concat", down, up, axis=1)
    conv_in = model.pair(None, 0.03, 100)
    weights = np.random.default_rng(1).integers(-127, 128, (CHANNELS, 2 * CHANNELS, 1, 1))
    model.add("Conv", conv_in, model.weights(weights, 0.002))


def scales_by_channel(model: Model, x: str) -> None:
    """NNCF's HardSwish before a depthwise convolution."""
    model.add("HardSwish", conv(model, x))
    model.pair(None, [0.01, 0.02, 0.03, 0.04], [40] * 4, axis=1)
    conv(model, model.last, groups=CHANNELS)


def table_of_words(model: Model, x: str) -> None:
    """A function of integers whose result nothing rounds, times sums."""
    model.add("Mul", model.add("Tanh", x), conv(model, x))


def resized(model: Model, x: str) -> None:
    """A decoder's sums, and its skip, larger by a half and joined."""
    scales = model.constant([1, 1, 1.5, 2])
    more = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    sums = model.add("Resize", conv(model, x), "", scales, **more)
    skip = model.add("Resize", x, "", scales, **more)
    model.add("MaxPool", model.add("Add", sums, skip), kernel_shape=[4, 7])


def shuffled(model: Model, x: str) -> None:
    """PT2E's ShuffleNetV2: channels of unrounded halves are interleaved, and joined again."""
    joined = model.add("Concat", x, model.add("Relu", conv(model, x)), axis=1)
    ends = model.constant([CHANNELS], "int64"), model.constant([2 * CHANNELS], "int64")
    kept = model.add("Slice", joined, *ends, model.constant([1], "int64"))
    model.add("Concat", model.add("Relu", conv(model, x)), kept, axis=1)


CASES: dict[str, tuple[Build, list[str]]] = {
    "hard swish": (function("HardSwish"), ["Conv", "Curve"]),
    "tanh": (function("Tanh"), ["Conv", "Curve"]),
    "hard swish of two nodes": (times_itself("HardSigmoid"), ["Conv", "Curve"]),
    "SiLU": (times_itself("Sigmoid"), ["Conv", "Curve"]),
    "hard swish of four nodes": (four_nodes, ["Conv", "Curve"]),
    "residual": (residual, ["Conv", "Mix"]),
    "two layers": (two_layers, ["Conv", "Conv", "Mix"]),
    "three": (sum_of_three, ["Conv", "Mix", "Conv", "Mix"]),
    "mean of a sum": (mean_of_sum, ["Conv", "Mix", "Pool", "Broadcast", "Mix"]),
    "gate": (gate, ["Conv", "Curve", "Pool", "Conv", "Curve", "Curve", "Product"]),
    "gate of float32": (
        real_gate, ["Pool", "Mix", "WideConv", "WideConv", "Curve", "Product"],
    ),
    "transposed": (
        upsampled,
        ["Conv", "Pool", "Conv", "Mix", "Conv", "WideConv", "Rearrange", "Concat", "Conv"],
    ),
    "scales by channel": (scales_by_channel, ["Conv", "Curve", "Mix", "Conv"]),
    "shuffled": (
        shuffled,
        ["Conv", "Mix", "Mix", "Concat", "Rearrange", "Conv", "Mix", "Concat"],
    ),
    "resized": (resized, ["Conv", "Mix", "Interpolate", "Interpolate", "Mix", "Pool"]),
    "table of 32 bits": (table_of_words, ["Conv", "Table", "Mix", "Product"]),
}  # fmt: skip
"""The nodes that each becomes."""


def built(names: list[str], type: str) -> Model:
    """The cases side by side, each rounded; their channels joined."""
    model = Model(("n", CHANNELS, SIDE, SIDE), opset=21)
    lowest = -128 if type == "int8" else 0
    x = model.pair("x", 0.03, 120 + lowest, type)
    parts = []
    for name in names:
        CASES[name][0](model, x)
        parts.append(model.pair(None, 0.02, 60 + lowest, type))
    if len(parts) > 1:
        model.add("Concat", *parts, axis=1)
        model.pair(None, 0.02, 60 + lowest, type)
    return model


@pytest.mark.parametrize("name", CASES)
def test_each_agrees_with_onnx_runtime(tmp_path: Path, name: str) -> None:
    for type in ("uint8", "int8"):
        path = built([name], type).saved(tmp_path)
        require_agreement(read(path))
        kinds = [node.__class__.__name__ for node in import_onnx(path).nodes]
        assert kinds == CASES[name][1], type


def test_slopes_by_channel_are_refused(tmp_path: Path) -> None:
    model = Model(("n", CHANNELS, SIDE, SIDE))
    conv(model, model.pair("x"))
    model.add("PRelu", None, model.constant(np.ones((CHANNELS, 1, 1))))
    model.pair()
    with pytest.raises(CompileError, match="its input isn't quantized"):
        import_onnx(model.saved(tmp_path))


@pytest.mark.parametrize(
    "kernels", [None, SSE2, AVX2, AVX512VBMI], ids=lambda isa: isa and isa.name
)
def test_c_has_the_bits_of_the_interpreter(tmp_path: Path, kernels: Isa | None) -> None:
    flags = chosen(kernels)
    graph = import_onnx(built([*CASES], "int8").saved(tmp_path))
    target = Target.PORTABLE if kernels is None else Target.NATIVE
    files = emit(graph, target).files
    assert "PASS" in ran(files, tmp_path, *SANITIZED, *flags)


def test_a_long_chain_is_refused_before_it_is_computed(tmp_path: Path) -> None:
    """Each operator reads the one before it twice: evaluated, they would double the work."""
    model = Model(("n", CHANNELS, SIDE, SIDE))
    conv(model, model.pair("x"))
    for _ in range(200):
        model.add("Add", model.last, model.last)
    model.pair()
    with pytest.raises(CompileError, match="as many operators on one tensor"):
        import_onnx(model.saved(tmp_path))


def test_a_function_that_is_too_steep_is_refused(tmp_path: Path) -> None:
    model = Model(("n", CHANNELS, SIDE, SIDE))
    conv(model, model.pair("x"))
    model.add("Sign")
    model.pair(None, 1 / 255, 128)
    with pytest.raises(CompileError, match="too steep"):
        import_onnx(model.saved(tmp_path))


def test_the_memory_of_words_is_counted(tmp_path: Path) -> None:
    """The head of the C file lists 4 bytes a number."""
    files = emit(import_onnx(built(["residual"], "uint8").saved(tmp_path))).files
    size = CHANNELS * SIDE * SIDE
    rows = [
        line for line in files["model.c"].splitlines() if line.strip().startswith("scratch + 0")
    ]
    assert rows[0].split()[-1] == str(4 * size)


@pytest.mark.parametrize("name", ["hard swish", "residual", "transposed"])
def test_a_file_has_no_function_that_it_does_not_call(tmp_path: Path, name: str) -> None:
    files = emit(import_onnx(built([name], "uint8").saved(tmp_path))).files
    assert "PASS" in ran(files, tmp_path, "-Os")
