"""Every file of data/. The files themselves are checked in tests/data."""

from __future__ import annotations

import math
import re

import pytest

from quantbench import plugins
from quantbench.data import DataSpec

HASH = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(params=plugins.names("data"))
def spec(request: pytest.FixtureRequest) -> DataSpec:
    return plugins.data(request.param).SPEC


@pytest.mark.parametrize("name", plugins.names("data"))
def test_the_spec_has_the_name_of_its_file(name: str) -> None:
    assert plugins.data(name).SPEC.name == name


def test_four_files_each_with_its_hash(spec: DataSpec) -> None:
    assert len({file.name for file in spec.files}) == 4
    assert len({file.sha256 for file in spec.files}) == 4
    assert all(HASH.fullmatch(file.sha256) for file in spec.files)


def test_sizes_follow_from_the_shapes(spec: DataSpec) -> None:
    for file in spec.files:
        assert file.bytes == 4 + 4 * len(file.shape) + math.prod(file.shape)


def test_a_label_for_each_image(spec: DataSpec) -> None:
    for images, labels in (
        (spec.train_images, spec.train_labels),
        (spec.test_images, spec.test_labels),
    ):
        assert images.shape == (*labels.shape, 28, 28)


def test_ten_classes(spec: DataSpec) -> None:
    assert len(set(spec.classes)) == len(spec.classes) == 10
    assert all(spec.classes)


def test_the_mean_and_deviation_are_of_a_fraction(spec: DataSpec) -> None:
    assert 0 < spec.mean < 1
    assert 0 < spec.std <= math.sqrt(spec.mean * (1 - spec.mean))


def test_mirrors_are_asked_over_https(spec: DataSpec) -> None:
    assert all(re.fullmatch(r"https://[^?#]+/", mirror) for mirror in spec.mirrors)
    assert spec.mirrors or spec.wheel or spec.folders
