"""What goes in and comes out: images in ONNX's order, and the integers of the file itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from quantbench.c99.build.loader import loaded
from quantbench.c99.compile import compiled, planned
from quantbench.c99.target.target import Target
from quantbench.errors import CompileError
from tests.c99.beside import agrees, onnx_runtime
from tests.c99.models import Model, images

pytestmark = pytest.mark.usefixtures("own_cache")
_WEIGHTS = np.random.default_rng(3).integers(-9, 10, (3, 2, 2, 2))


def test_an_image_comes_out_in_the_order_of_onnx(tmp_path: Path) -> None:
    model = Model()
    model.pair("x")
    model.conv(_WEIGHTS)
    model.pair()
    answers = agrees(model.saved(tmp_path), images(5, 2, 4, 4), within=0.5)
    assert answers.shape == (5, 3, 3, 3)


def test_sums_that_are_an_image_have_the_scale_of_their_channel(tmp_path: Path) -> None:
    model = Model()
    model.pair("x")
    model.add("Conv", None, model.weights(_WEIGHTS, [0.25, 0.5, 1.0], [0, 0, 0], axis=0))
    agrees(model.saved(tmp_path), images(5, 2, 4, 4), within=1e-3)


def test_one_place_keeps_its_shape(tmp_path: Path) -> None:
    model = Model()
    model.pair("x")
    model.conv(_WEIGHTS)
    model.add("GlobalAveragePool")
    model.pair()
    assert agrees(model.saved(tmp_path), images(3, 2, 4, 4), within=0.5).shape == (3, 3, 1, 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_float32_images_come_out_in_the_order_of_onnx(tmp_path: Path, threads: int) -> None:
    model = Model()
    model.add("Conv", "x", model.constant(_WEIGHTS))
    path, inputs = model.saved(tmp_path), images(5, 2, 4, 4)
    predict = loaded(compiled(path, Target.PORTABLE), threads)
    wanted = onnx_runtime(path, inputs)
    for answers in (predict(inputs), np.concatenate([predict(one[None]) for one in inputs])):
        assert answers.shape == wanted.shape
        assert np.abs(answers - wanted).max() <= 1e-5 * np.abs(wanted).max()


_TYPES = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8}


def integers(type: str) -> NDArray[np.generic]:
    limits = np.iinfo(type)
    return np.random.default_rng(4).integers(limits.min, limits.max + 1, (6, 2, 4, 4)).astype(type)


@pytest.mark.parametrize("given", _TYPES)
@pytest.mark.parametrize("taken", _TYPES)
def test_integers_of_the_file_itself(tmp_path: Path, given: str, taken: str) -> None:
    """As ONNX Runtime takes and gives them."""
    model = Model()
    model.add("DequantizeLinear", "x", model.constant(0.5), model.constant(7, given))
    model.conv(_WEIGHTS)
    model.add("QuantizeLinear", None, model.constant(3.0), model.constant(9, taken))
    path = model.saved(tmp_path, ends=(_TYPES[given], _TYPES[taken]))
    answers = agrees(path, integers(given), within=1.0)
    assert np.ptp(answers) > 100
    assert "these integers" in compiled(path, Target.PORTABLE).files["model.h"]


@pytest.mark.parametrize("type", _TYPES)
def test_integers_that_are_cast_to_float32(tmp_path: Path, type: str) -> None:
    model = Model()
    model.add("Cast", "x", to=TensorProto.FLOAT)
    model.pair(None, scale=2.0, zero=30)
    model.conv(_WEIGHTS)
    model.pair(None, scale=20.0, zero=100)
    agrees(model.saved(tmp_path, ends=(_TYPES[type], TensorProto.FLOAT)), integers(type), within=20)


def test_probabilities_that_are_integers(tmp_path: Path) -> None:
    """Within what a step of a logit makes of the probabilities, at most its quarter, and one."""
    model = Model()
    model.pair("x")
    model.conv(_WEIGHTS)
    model.add("GlobalAveragePool")
    model.add("Flatten")
    model.pair(None, scale=0.25, zero=128)
    model.add("Softmax")
    model.add("QuantizeLinear", None, model.constant(1 / 256), model.constant(-128, "int8"))
    path = model.saved(tmp_path, ends=(TensorProto.FLOAT, TensorProto.INT8))
    answers = agrees(path, images(6, 2, 4, 4) / 20, within=256 * 0.25 / 4 + 1)
    assert np.ptp(answers) > 100


@pytest.mark.parametrize("type", [TensorProto.INT32, TensorProto.FLOAT16])
def test_other_integers_are_refused(tmp_path: Path, type: int) -> None:
    model = Model()
    model.add("DequantizeLinear", "x", model.constant(0.5))
    with pytest.raises(CompileError, match="input x: a tensor of float32, uint8 or int8"):
        planned(model.saved(tmp_path, ends=(type, TensorProto.FLOAT)))


def test_float32_reads_no_integers(tmp_path: Path) -> None:
    model = Model()
    model.add("Relu", "x")
    with pytest.raises(CompileError, match="its input is uint8; float32 is supported"):
        planned(model.saved(tmp_path, ends=(TensorProto.UINT8, TensorProto.UINT8)))
