"""Every file of data/. The files themselves are checked in tests/data."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from quantbench import plugins
from quantbench.data import DataSpec
from quantbench.errors import DataFileError, DataUnavailableError, UnavailableError

HASH = re.compile(r"[0-9a-f]{64}")


SPECS = {name: spec for name in plugins.names("data") if (spec := plugins.data_set(name).spec)}
USERS = [name for name in plugins.names("data") if name not in SPECS]
"""Data sets whose files are the user's."""


@pytest.fixture(params=SPECS.values(), ids=SPECS.keys())
def spec(request: pytest.FixtureRequest) -> DataSpec:
    assert isinstance(request.param, DataSpec)
    return request.param


@pytest.mark.parametrize("name", plugins.names("data"))
def test_a_title_and_classes_that_differ(name: str) -> None:
    data_set = plugins.data_set(name)
    assert data_set.name == name
    assert data_set.title.strip() == data_set.title != ""
    assert len(set(data_set.classes)) == len(data_set.classes)


@pytest.mark.parametrize("name", SPECS)
def test_the_spec_has_the_name_of_its_file(name: str) -> None:
    assert plugins.data(name).SPEC.name == name


@pytest.mark.parametrize("name", USERS)
def test_without_files_it_says_which_it_needs(name: str, tmp_path: Path) -> None:
    data_set = plugins.data_set(name)
    with pytest.raises(DataUnavailableError, match=f"^{re.escape(data_set.title)} isn't fetched: "):
        data_set.load(None, offline=True, log=print)
    with pytest.raises(DataFileError) as caught:
        data_set.load(tmp_path, offline=True, log=print)
    assert str(tmp_path) in str(caught.value)
    with pytest.raises(DataFileError, match="is no folder; name the one that holds"):
        data_set.load(tmp_path / "none", offline=True, log=print)


@pytest.mark.parametrize("name", USERS)
def test_what_has_no_spec_says_so(name: str) -> None:
    with pytest.raises(UnavailableError, match="it has no SPEC"):
        plugins.data(name)


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
