"""What goes in and comes out: images in ONNX's order, and the integers of the file itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.compilation import compiled
from quantbench.c99.library import loaded
from quantbench.c99.targets import Target
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
