"""Small pictures of samples, decoded again by Pillow."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from quantbench.explain.thumbnail import SIDE, thumbnail
from quantbench.samples.records import Array, Arrays, Samples


def decoded(samples: Samples, index: int = 0) -> Array:
    image = Image.open(io.BytesIO(base64.b64decode(thumbnail(samples, index), validate=True)))
    assert image.format == "PNG"
    return np.asarray(image)


def halved(arrays: Arrays) -> Arrays:
    return (arrays[0].astype(np.float32)[:, np.newaxis] / 255 - 0.5,)


def test_bytes_are_shown_as_they_are_stored() -> None:
    gray = np.random.default_rng(0).integers(0, 256, (3, 28, 28)).astype(np.uint8)
    assert np.array_equal(decoded(Samples("test", (gray,), prepare=halved), 2), gray[2])
    color = np.random.default_rng(1).integers(0, 256, (2, 20, 30, 3)).astype(np.uint8)
    assert np.array_equal(decoded(Samples("test", (color,)), 1), color[1])
    first = np.moveaxis(color, -1, 1)
    assert np.array_equal(decoded(Samples("test", (first,)), 1), color[1])


def test_numbers_are_stretched_from_the_least_to_the_largest() -> None:
    values = np.array([[[[-2.0, 0.0], [2.0, 1.0]]]], np.float32)
    assert decoded(Samples("test", (values,))).tolist() == [[0, 128], [255, 191]]
    assert not decoded(Samples("test", (np.full((1, 1, 2, 2), 7.0),))).any()


def test_a_large_image_becomes_a_small_one() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 224, 112, 3)).astype(np.uint8)
    samples = Samples("test", (noise,))
    assert decoded(samples).shape == (SIDE, SIDE // 2, 3)
    assert len(thumbnail(samples, 0)) < 20_000


@pytest.mark.parametrize("shape", [(12,), (5, 8, 8), (1, 2, 2, 3)])
def test_what_is_no_image_has_none(shape: tuple[int, ...]) -> None:
    assert thumbnail(Samples("test", (np.zeros((1, *shape), np.float32),)), 0) == ""


def test_two_inputs_have_none() -> None:
    two = Samples("test", (np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 5), np.float32)))
    assert thumbnail(two, 0) == ""
