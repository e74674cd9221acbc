"""KMNIST from the user's files, which are checked by shape."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from quantbench.data import kmnist
from quantbench.data.idx import idx_file
from quantbench.errors import DataFileError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kmnist, "_TRAIN", 120)
    monkeypatch.setattr(kmnist, "_TEST", 20)
    rng = np.random.default_rng(0)
    for stem, count in (("train", 120), ("t10k", 20)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (tmp_path / f"{stem}-images-idx3-ubyte").write_bytes(idx_file.serialise(images))
        (tmp_path / f"{stem}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(idx_file.serialise(labels))
        )
    return tmp_path


def test_splits_and_the_mean_of_the_training_images(folder: Path) -> None:
    splits = kmnist.load(folder, offline=True, log=print)
    assert splits.train is not None
    assert [len(s) for s in (splits.train, splits.calibration, splits.test)] == [110, 10, 20]
    both = np.concatenate((splits.train.inputs()[0], splits.calibration.inputs()[0]))
    assert both.shape == (120, 1, 32, 32)
    inner = both[:, :, 2:-2, 2:-2]
    assert abs(float(inner.mean())) < 1e-3
    assert abs(float(inner.std()) - 1) < 1e-3
    assert splits.test.targets is not None
    assert splits.test.targets.tolist() == [*range(10)] * 2


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train-images-idx3-ubyte", b"", "truncated in its header"),
        ("train-images-idx3-ubyte", bytes(100), "starts with 00000000"),
        (
            "train-images-idx3-ubyte",
            idx_file.serialise(np.zeros((60, 28, 28), np.uint8)),
            "has shape 60x28x28, expected 120x28x28",
        ),
        (
            "train-labels-idx1-ubyte",
            idx_file.serialise(np.full(120, 10, np.uint8)),
            "label 10, but",
        ),
        ("train-labels-idx1-ubyte.gz", gzip.compress(bytes(2**24)), "starts with 00000000"),
        ("train-labels-idx1-ubyte.gz", b"<html>", "not a sound gzip file"),
        ("train-labels-idx1-ubyte.gz", None, "no such file, nor with .gz; put it there"),
    ],
)
def test_a_wrong_file_is_named(
    folder: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(DataFileError, match=message) as caught:
        kmnist.load(folder, offline=True, log=print)
    assert name.removesuffix(".gz") in str(caught.value)
