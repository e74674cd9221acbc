"""Dead and nearly dead channels: within one step of ONNX Runtime, beside channels that live."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compile import planned
from quantbench.c99.importer import import_onnx
from quantbench.c99.nodes.conv import Conv
from quantbench.errors import CompileError
from tests.c99.beside import agrees
from tests.c99.models import Model

pytestmark = pytest.mark.usefixtures("own_cache")
_RNG = np.random.default_rng(5)
_WEIGHTS = _RNG.integers(-127, 128, (4, 3, 3, 3))
_ALIVE = 0.01
INPUTS = _RNG.normal(0, 1, (6, 3, 8, 8)).astype(np.float32)
POOLINGS = {
    "none": None,
    "2 x 2": ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "all": ("GlobalAveragePool", {}),
    "maximum": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
}


def start(type: str = "uint8") -> Model:
    model = Model(("n", 3, 8, 8))
    model.pair("x", scale=1 / 64, zero={"uint8": 128, "int8": 3}[type], type=type)
    return model


def end(model: Model, pooling: str, *, quantized: bool, step: float = 0.05) -> None:
    model.add("Relu")
    if kind := POOLINGS[pooling]:
        model.add(kind[0], **kind[1])  # type: ignore[arg-type]
    if quantized:
        model.pair(None, scale=step, zero=0)


@pytest.mark.parametrize("type", ["uint8", "int8"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_channels_of_tiny_scale(tmp_path: Path, type: str, pooling: str) -> None:
    """Of weights that are 0 and of others, each scale with each bias, and two that live."""
    scales, biases = np.meshgrid([1.1920929e-7, 1e-10, 1e-12, 1e-30], [0.5, -0.5, 9.0, 1e4, -1e4])
    tiny, rows = np.repeat(scales.ravel(), 2), 2 * scales.size + 2
    weights = _RNG.integers(-127, 128, (rows, 3, 3, 3))
    weights[0 : rows - 2 : 2] = 0
    model = start(type)
    given = model.weights(weights, [*tiny, _ALIVE, _ALIVE], [0] * rows, axis=0)
    model.add("Conv", None, given, model.constant([*np.repeat(biases.ravel(), 2), 0.3, -0.2]))
    end(model, pooling, quantized=True)
    agrees(model.saved(tmp_path), INPUTS, within=0.051)


@pytest.mark.parametrize("pooling", ["none", "all"])
@pytest.mark.parametrize("quantized", [True, False])
def test_normalized_by_almost_nothing(tmp_path: Path, pooling: str, quantized: bool) -> None:
    """gamma of 0, of 1e-9 with a large beta, of a negative 1e-9, and of 1."""
    model = start()
    model.conv(_WEIGHTS)
    gamma, beta = [0.0, 1e-9, -1e-9, 1.0], [2.5, 7.0, 0.75, -1.0]
    given = (gamma, beta, [0.1, 2.0, -3.0, 0.4], [1.0, 0.5, 2.0, 900.0])
    model.add("BatchNormalization", None, *(model.constant(one) for one in given))
    if quantized:
        end(model, pooling, quantized=True)
    elif pooling == "all":
        model.add("GlobalAveragePool")
    agrees(model.saved(tmp_path), INPUTS, within=0.051 if quantized else 2e-3)


@pytest.mark.parametrize("op", ["Gemm", "MatMul"])
@pytest.mark.parametrize("quantized", [True, False])
def test_classes_that_nothing_moves(tmp_path: Path, op: str, quantized: bool) -> None:
    model = start()
    model.add("Flatten")
    weights = _RNG.integers(-127, 128, (192, 4))
    given = model.weights(weights, [1e-12, 1e-9, _ALIVE, _ALIVE], [0] * 4, axis=1)
    bias = model.constant([0.5, -40.0, 1.0, 0.0])
    if op == "Gemm":
        model.add("Gemm", None, given, bias)
    else:
        model.add("MatMul", None, given)
        model.add("Add", None, bias)
    model.add("BatchNormalization", None, *(model.constant(one) for one in _BATCH))
    if quantized:
        model.pair(None, scale=1.0, zero=100)
    answers = agrees(model.saved(tmp_path), INPUTS, within=1.0 if quantized else 0.01)
    assert np.ptp(answers[:, 2]) > 10


_BATCH = ([1.0, 2.0, 1.0, 1e-9], [0.0, 0.1, 0.0, 3.0], [0.0, 0.0, 0.5, 0.0], [1.0, 1.0, 1.0, 1.0])


def test_a_channel_between_keeps_what_it_has_of_weights(tmp_path: Path) -> None:
    """Its weights move the output, and its bias doesn't fit: both are held in coarser units."""
    model = start()
    scales = [3e-6, _ALIVE, _ALIVE, _ALIVE]
    given = model.weights(_WEIGHTS, scales, [0] * 4, axis=0)
    model.add("Conv", None, given, model.constant([12.0, 0.3, -0.2, 0.1]))
    end(model, "all", quantized=True)
    path = model.saved(tmp_path)
    (conv, *_) = import_onnx(path).nodes
    assert isinstance(conv, Conv)
    assert 0 < np.abs(conv.weights[0]).max() < 127
    assert np.array_equal(conv.weights[1:], _WEIGHTS[1:])
    agrees(path, INPUTS, within=0.051)


def test_what_would_show_is_refused(tmp_path: Path) -> None:
    """A bias of 2**33 sums' units, and 4,096 weights that coarser units would round off."""
    model = Model(("n", 4096))
    model.pair("x")
    given = model.weights(np.full((4096, 1), 2))
    model.add("Gemm", None, given, model.constant([1e9]))
    with pytest.raises(CompileError, match="32 bits don't hold"):
        planned(model.saved(tmp_path))


def test_channels_that_fit_stay_as_they_are(tmp_path: Path) -> None:
    model = start()
    model.conv(_WEIGHTS)
    model.pair()
    (conv,) = import_onnx(model.saved(tmp_path)).nodes
    assert isinstance(conv, Conv)
    assert np.array_equal(conv.weights, _WEIGHTS)
