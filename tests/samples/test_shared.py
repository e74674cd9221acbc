"""Samples that splits share are found by content; a held-out part shares none with the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import SamplesError
from quantbench.samples import shared
from quantbench.samples.arrays import from_arrays
from quantbench.samples.records import Samples
from quantbench.samples.shared import (
    Shared,
    common_classes,
    duplicates,
    held_out,
    preparation_sha256,
    shared_between,
)


def samples(values: np.ndarray, targets: np.ndarray | None = None) -> Samples:
    return from_arrays("test", values, targets)


X = np.random.default_rng(0).random((100, 3))


def test_splits_without_a_common_sample() -> None:
    assert shared_between(samples(X[:50]), samples(X[50:])) == Shared(0, ())
    assert duplicates(samples(X)) == Shared(0, ())


def test_common_samples_are_counted_and_shown() -> None:
    second = np.concatenate((X[60:], X[10:20]))
    common = shared_between(samples(X[:60]), samples(second))
    assert common == Shared(10, ((10, 40), (11, 41), (12, 42), (13, 43), (14, 44)))


def test_repeated_samples() -> None:
    assert duplicates(samples(X[[0, 1, 0, 2, 1, 0]])) == Shared(3, ((0, 2), (1, 4), (0, 5)))


def test_the_inputs_decide_not_how_they_are_stored_nor_the_targets() -> None:
    wide, narrow = samples(X), samples(X.astype(np.float32), np.arange(100))
    assert shared_between(wide, narrow).count == 100
    assert shared_between(samples(np.zeros((1, 2))), samples(np.zeros((1, 2)) + 1)).count == 0


def test_a_hash_that_ends_in_zeros_is_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut:
        """A digest of the first byte alone, with zeros behind."""

        def __init__(self, digest_size: int) -> None:
            self.size, self.data = digest_size, b""

        def update(self, data: bytes) -> None:
            self.data += data

        def digest(self) -> bytes:
            return self.data[:1] + bytes(self.size - 1)

    monkeypatch.setattr(shared.hashlib, "blake2b", Cut)
    first = from_arrays("a", np.array([[1], [2]], np.uint8), dtypes=("uint8",))
    second = from_arrays("b", np.array([[2], [3]], np.uint8), dtypes=("uint8",))
    assert shared_between(first, second) == Shared(1, ((1, 0),))


def test_every_input_counts() -> None:
    first = from_arrays("a", (X, np.arange(100)))
    second = from_arrays("b", (X, np.arange(100) + (np.arange(100) % 2)))
    assert shared_between(first, second).count == 50


def test_slices_of_bounded_size_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shared.sample_hashes(samples(X))
    monkeypatch.setattr(shared, "_BATCH_BYTES", 40)
    assert shared.sample_hashes(samples(X)).tolist() == whole.tolist()


@pytest.mark.parametrize(("part", "count"), [(10, 10), (0.25, 25), (1, 1), (99, 99)])
def test_a_part_is_held_out(tmp_path: Path, part: float, count: int) -> None:
    rest, held = held_out(samples(X, np.arange(100)), part, 3, tmp_path)
    assert (rest.name, held.name, len(held), len(rest)) == (
        "test",
        "calibration",
        count,
        100 - count,
    )
    assert rest.targets is not None
    assert held.targets is not None
    assert sorted([*rest.targets, *held.targets]) == list(range(100))
    assert sorted(rest.targets) == list(rest.targets)
    assert shared_between(rest, held).count == 0
    assert np.array_equal(held.inputs()[0], X.astype(np.float32)[held.targets])


def test_a_seed_is_a_draw(tmp_path: Path) -> None:
    drawn = [held_out(samples(X), 20, seed, tmp_path)[1].sha256 for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_large_split_is_cut_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_memory = held_out(samples(X, np.arange(100)), 30, 0, tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(shared, "_IN_MEMORY", 100)
    monkeypatch.setattr(shared, "_BATCH_BYTES", 100)
    on_disk = held_out(samples(X, np.arange(100)), 30, 0, tmp_path)
    assert [part.sha256 for part in on_disk] == [part.sha256 for part in in_memory]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["held out", "rest"]


@pytest.mark.parametrize("part", [0, 100, 0.001, 0.999, 1.0, -3])
def test_nothing_and_everything_cannot_be_held_out(tmp_path: Path, part: float) -> None:
    with pytest.raises(SamplesError, match="can't be held out; hold out between 1 and 99"):
        held_out(samples(X), part, 0, tmp_path)


def test_classes_that_splits_agree_on() -> None:
    cats = from_arrays("test", X, ["cat", "dog"] * 50)
    assert common_classes(cats, samples(X), cats) == ("cat", "dog")
    assert common_classes(samples(X)) == ()
    cows = from_arrays("calibration", X, ["cat", "cow"] * 50)
    with pytest.raises(SamplesError, match=r"^calibration and test name different .*\(cow, dog\)"):
        common_classes(cats, cows)


def test_a_preparation_is_told_by_what_it_gives() -> None:
    assert preparation_sha256(samples(X.astype(np.float32))) == ""
    bytes_ = samples(np.arange(40, dtype=np.uint8).reshape(10, 4))
    scaled = replace(bytes_, prepare=lambda arrays: (arrays[0] / np.float32(255),))
    again = replace(bytes_, prepare=lambda arrays: (arrays[0] / np.float32(255),))
    hashes = [preparation_sha256(split) for split in (bytes_, scaled, again)]
    assert hashes[0] != hashes[1] == hashes[2] != ""
