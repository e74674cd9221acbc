"""ImageNet from a folder of the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from quantbench.data import imagenet
from quantbench.errors import DataFileError
from quantbench.samples.shared import shared_between


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path / "cache"))


def write(folder: Path, classes: tuple[str, ...], count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for label in classes:
        (folder / label).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (280, 300, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.JPEG")


def test_a_part_of_val_calibrates_where_there_is_no_train(tmp_path: Path) -> None:
    write(tmp_path / "data" / "val", ("n01", "n02"), 10, 0)
    logged: list[str] = []
    splits = imagenet.load(tmp_path / "data", offline=True, log=logged.append)
    assert splits.train is None
    assert (len(splits.calibration), len(splits.test)) == (2, 18)
    assert splits.test.inputs(0, 1)[0].shape == (1, 3, 224, 224)
    assert splits.test.classes == ("n01", "n02")
    assert shared_between(splits.calibration, splits.test).count == 0
    assert len(logged) == 1
    assert logged[0].startswith("ImageNet: 2 of the 20 images of val/ are for calibration and")


def test_train_calibrates_where_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet, "_CALIBRATION", 4)
    write(tmp_path / "val", ("n01", "n02"), 3, 0)
    write(tmp_path / "train", ("n01", "n02"), 4, 1)
    splits = imagenet.load(tmp_path, offline=True, log=print)
    assert splits.calibration.targets is not None
    assert splits.calibration.targets.tolist() == [0, 0, 1, 1]
    assert len(splits.test) == 6


def test_what_the_folder_has_to_hold(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="has no folder val; put val/"):
        imagenet.load(tmp_path, offline=True, log=print)
    write(tmp_path, ("val",), 2, 0)
    with pytest.raises(DataFileError, match="has no folders of classes; put val/"):
        imagenet.load(tmp_path, offline=True, log=print)
