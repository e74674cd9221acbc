from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from quantbench.data import (
    Split,
    Splits,
    as_samples,
    iterate_like_a_report,
    preprocess,
    preprocess_sha256,
    split_indices,
)
from quantbench.data.fashion_mnist import SPEC as FASHION
from quantbench.data.mnist import SPEC


def hashes(split: Split) -> list[bytes]:
    return [hashlib.sha256(image.tobytes()).digest() for image in split.images]


def test_the_split_is_fixed() -> None:
    """Another order of the same numbers would be another split, so the order is pinned."""
    order = np.concatenate(split_indices(60_000)).astype("<i8")
    assert hashlib.sha256(order.tobytes()).hexdigest() == (
        "d377a1e1917609cf7043144be63f28a984422f45828453dedc2503247a2c2cc9"
    )


def test_every_official_image_is_in_one_split(mnist: Splits) -> None:
    both = np.concatenate((mnist.train.index, mnist.calibration.index))
    assert np.array_equal(np.sort(both), np.arange(60_000))
    assert np.array_equal(mnist.test.index, np.arange(10_000))
    assert [len(s) for s in (mnist.train, mnist.calibration, mnist.test)] == [55_000, 5_000, 10_000]


def test_no_image_is_in_two_splits(mnist: Splits) -> None:
    """MNIST's 70,000 images differ from each other byte for byte."""
    every = hashes(mnist.train) + hashes(mnist.calibration) + hashes(mnist.test)
    assert len(set(every)) == len(every) == 70_000


def test_the_splits_are_what_they_were(mnist: Splits) -> None:
    assert [s.sha256 for s in (mnist.train, mnist.calibration, mnist.test)] == [
        "ed0dc407902bd1ad19c46ae17827f5f33f0f8edc475b1f53146cbaecd42cc04e",
        "3a035f681404798c4baef34efc4d17c8bd9eab3ab4fd2becd05a75277667eee4",
        "a0863a96c44e5666edbb30c4071ee79ca0514c621e6349c5967fc78e7305c891",
    ]
    assert np.bincount(mnist.test.labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]


def test_the_spec_has_the_data_mean_and_deviation(mnist: Splits) -> None:
    pixels = np.concatenate((mnist.train.images, mnist.calibration.images)) / 255
    assert round(float(pixels.mean()), 4) == SPEC.mean
    assert round(float(pixels.std()), 4) == SPEC.std


def test_a_split_cannot_be_changed(mnist: Splits) -> None:
    assert mnist.test.images.dtype == np.uint8
    assert mnist.test.labels.dtype == np.int64
    for array in (mnist.test.images, mnist.test.labels, mnist.test.index):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_a_hash_covers_images_labels_and_order() -> None:
    images, labels = np.arange(2 * 784, dtype=np.uint8).reshape(2, 28, 28), np.array([1, 2])
    index = np.arange(2)
    splits = [
        Split("a", images.copy(), labels.copy(), index.copy()),
        Split("b", images[::-1].copy(), labels.copy(), index.copy()),
        Split("c", images.copy(), labels[::-1].copy(), index.copy()),
    ]
    assert len({split.sha256 for split in splits}) == 3
    renamed = Split("d", images.copy(), labels.copy(), index.copy())
    assert renamed.sha256 == splits[0].sha256


def test_preprocess_pads_with_background_then_normalises() -> None:
    images = np.zeros((3, 28, 28), np.uint8)
    images[1, 0, 0], images[1, 27, 27] = 255, 51
    out = preprocess(images, SPEC)
    assert out.shape == (3, 1, 32, 32)
    assert out.dtype == np.float32
    assert out.flags.c_contiguous
    assert images.max() == 255
    dark, full, fifth = ((np.float64(v) - 0.1307) / 0.3081 for v in (0, 1, 0.2))
    expected = np.full((3, 1, 32, 32), dark)
    expected[1, 0, 2, 2], expected[1, 0, 29, 29] = full, fifth
    np.testing.assert_allclose(out, expected, rtol=0, atol=3e-7)


def test_preprocess_takes_no_images_and_strided_ones(mnist: Splits) -> None:
    assert preprocess(mnist.test.images[:0], SPEC).shape == (0, 1, 32, 32)
    some = mnist.test.images[:10]
    assert np.array_equal(preprocess(some[::-2], SPEC), preprocess(some, SPEC)[::-2])


def test_the_preprocessing_hash_follows_its_constants() -> None:
    assert preprocess_sha256(SPEC) == preprocess_sha256(replace(SPEC, name="other"))
    changed = [SPEC, replace(SPEC, mean=0.1308), replace(SPEC, std=0.3082), FASHION]
    assert len({preprocess_sha256(spec) for spec in changed}) == 4


def test_splits_as_samples_keep_bytes_and_preprocessing(mnist: Splits) -> None:
    for split in mnist.all:
        samples = as_samples(split, SPEC)
        assert (samples.name, samples.sha256) == (split.name, split.sha256)
        (inputs,) = samples.inputs(100, 200)
        assert np.array_equal(inputs, preprocess(split.images[100:200], SPEC))
        assert samples.classes == SPEC.classes


def test_a_reports_loading_gives_the_same_input(mnist: Splits) -> None:
    split = Split(
        "part",
        mnist.test.images[:250].copy(),
        mnist.test.labels[:250].copy(),
        np.arange(250),
    )
    batches = list(iterate_like_a_report(split, SPEC, 100))
    assert [len(labels) for _, labels in batches] == [100, 100, 50]
    assert all(images.dtype == np.float32 for images, _ in batches)
    together = np.concatenate([images for images, _ in batches])
    assert np.array_equal(together, preprocess(split.images, SPEC))
    assert np.array_equal(np.concatenate([y for _, y in batches]), split.labels)


def test_data_needs_no_torch() -> None:
    code = "import sys, quantbench.data, quantbench.data.mnist; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
