"""CIFAR-10's binary version from the user's files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.data import cifar10
from quantbench.errors import DataFileError


def write(folder: Path, count: int) -> dict[str, np.ndarray]:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    files = {}
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        records = rng.integers(0, 256, (count, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(count) % 10
        (folder / name).write_bytes(records.tobytes())
        files[name] = records
    return files


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cifar10, "_IN_FILE", 24)


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_splits(tmp_path: Path, below: str) -> None:
    files = write(tmp_path / below, 24)
    splits = cifar10.load(tmp_path, offline=True, log=print)
    assert splits.train is not None
    assert [len(s) for s in (splits.train, splits.calibration, splits.test)] == [110, 10, 24]
    (inputs,) = splits.test.inputs()
    assert (inputs.shape, inputs.dtype) == ((24, 3, 32, 32), np.float32)
    record = files["test_batch.bin"][5]
    # Row 2, column 3 of the green plane, by the record's own layout.
    pixel = np.float64(record[1 + 1024 + 2 * 32 + 3])
    assert inputs[5, 1, 2, 3] == pytest.approx((pixel / 255 - 0.4822) / 0.2435, abs=1e-6)
    assert splits.test.targets is not None
    assert splits.test.targets[5] == 5


def test_the_python_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04.")
    with pytest.raises(DataFileError, match="never unpickled here; put the binary version there"):
        cifar10.load(tmp_path, offline=True, log=print)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-1], "is truncated: CIFAR-10's file has 73,752 bytes"),
        (lambda raw: raw + b"0", "has bytes after its end"),
        (lambda raw: b"\x0b" + raw[1:], "holds the label 11: it isn't CIFAR-10's file"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, damage: object, message: str) -> None:
    write(tmp_path, 24)
    path = tmp_path / "data_batch_3.bin"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataFileError, match=message) as caught:
        cifar10.load(tmp_path, offline=True, log=print)
    assert str(caught.value).startswith(str(path))
