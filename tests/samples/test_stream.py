"""Batches are streamed once to files, and a batch that doesn't fit is named."""

from __future__ import annotations

import mmap
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from quantbench.errors import SamplesError, StorageError
from quantbench.samples.stream import Limit, from_batches

X = np.arange(20, dtype=np.float32).reshape(10, 2)
Y = np.arange(10)


def is_mapped(array: np.ndarray) -> bool:
    base: object = array
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, mmap.mmap)


def batches(size: int = 4) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for start in range(0, 10, size):
        yield X[start : start + size], Y[start : start + size]


def test_batches_are_kept_in_files_and_mapped(tmp_path: Path) -> None:
    samples = from_batches("test", batches(), tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "test-x1.npy",
        "test-y.npy",
    ]
    assert np.array_equal(np.load(tmp_path / "new" / "test-x1.npy", allow_pickle=False), X)
    assert np.array_equal(samples.inputs()[0], X)
    assert samples.targets is not None
    assert samples.targets.tolist() == Y.tolist()
    assert is_mapped(samples.stored[0])


@pytest.mark.parametrize("batch", [1, 3, 10])
def test_a_loader_of_pytorch(tmp_path: Path, batch: int) -> None:
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch)
    samples = from_batches("test", loader, tmp_path)
    assert np.array_equal(samples.inputs()[0], X)
    assert samples.targets is not None
    assert samples.targets.tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("batch", "names", "inputs"),
    [
        (X, (), 1),
        ({"x": X, "y": Y}, (), 1),
        (((X, Y), Y), (), 2),
        ((X, Y, Y), ("a", "b"), 2),
        ({"b": X, "a": Y, "labels": Y}, ("a", "b"), 2),
        (X.tolist(), (), 1),
    ],
)
def test_every_form_of_a_batch(
    tmp_path: Path, batch: object, names: tuple[str, ...], inputs: int
) -> None:
    samples = from_batches("test", [batch, batch], tmp_path, names=names)
    assert len(samples.inputs()) == inputs
    assert len(samples) == 20


def test_bytes_stay_bytes_on_the_disk(tmp_path: Path) -> None:
    samples = from_batches("test", [np.full((2, 3), 200, np.uint8)], tmp_path)
    assert samples.stored[0].dtype == np.uint8
    assert samples.inputs()[0].dtype == np.float32
    wide = from_batches("wide", [np.full((2, 3), 0.5)], tmp_path)
    assert wide.stored[0].dtype == np.float32


def test_an_endless_source_ends_at_the_limit(tmp_path: Path) -> None:
    def endless() -> Iterator[np.ndarray]:
        while True:
            yield X

    assert len(from_batches("test", endless(), tmp_path, Limit(samples=25))) == 25
    with pytest.raises(SamplesError, match="test takes over 400 bytes; give fewer samples or set"):
        from_batches("test", endless(), tmp_path / "more", Limit(bytes=400))
    assert list((tmp_path / "more").iterdir()) == []


def test_a_source_that_knows_its_length_is_refused_at_once(tmp_path: Path) -> None:
    drawn = []

    class Long:
        def __len__(self) -> int:
            return 10**9

        def __iter__(self) -> Iterator[np.ndarray]:
            while True:
                drawn.append(1)
                yield X

    with pytest.raises(SamplesError, match="takes over"):
        from_batches("test", Long(), tmp_path)
    assert len(drawn) == 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (np.zeros((2, 3), np.float32), r"has samples of shape \[3\] after \[2\]"),
        (np.full((2, 2), 2**24 + 1), "holds 16777217 in sample 0, which float32 can't hold"),
        (X.astype(np.uint8), "has dtype uint8 after float32"),
        ((X, Y), "has targets, unlike those before"),
        (((X, X), None), "gives 2 inputs, not 1"),
        ("text", "is a single str"),
        (np.zeros((0, 2)), r"holds no sample: its shape is \[0, 2\]"),
        ((X, ["a"] * 10), "names classes; give the list of all classes"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(tmp_path: Path, second: object, message: str) -> None:
    with pytest.raises(SamplesError, match=f"^test: batch 2,? {message}"):
        from_batches("test", [X, second], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_targets_of_another_length(tmp_path: Path) -> None:
    with pytest.raises(SamplesError, match="batch 1 has 10 samples and 3 for them"):
        from_batches("test", [(X, np.zeros(3))], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_the_users_code_raises_is_an_error_of_its_batch(tmp_path: Path) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield X
        raise KeyError("image 12")

    with pytest.raises(SamplesError, match=r"^test: batch 2 can't be had: KeyError: 'image 12'$"):
        from_batches("test", failing(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_batch_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SamplesError, match=r"^test holds no sample$"):
        from_batches("test", [], tmp_path)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    def stopped() -> Iterator[np.ndarray]:
        yield X
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        from_batches("test", stopped(), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_no_file_of_a_final_name(tmp_path: Path) -> None:
    code = """
import os, pathlib, numpy
from quantbench.samples.stream import Limit, RowWriter
RowWriter(pathlib.Path.cwd(), "test", Limit()).append((numpy.zeros((4, 2)),), None)
os._exit(9)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert done.returncode == 9
    assert not (tmp_path / "test-x1.npy").exists()
    assert len(from_batches("test", [X], tmp_path)) == 10


def test_a_full_disk_is_told_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=(256 << 20) + 20))
    message = f"cannot write test to {re.escape(str(tmp_path))}: 80 more .* and 20 can be used"
    with pytest.raises(StorageError, match=message):
        from_batches("test", [X, X], tmp_path)


def test_classes_by_name_need_their_list(tmp_path: Path) -> None:
    samples = from_batches("test", [(X, ["b"] * 10)], tmp_path, classes=("a", "b"))
    assert samples.targets is not None
    assert samples.targets.tolist() == [1] * 10
    assert samples.classes == ("a", "b")
