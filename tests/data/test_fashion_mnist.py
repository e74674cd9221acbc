"""The real Fashion-MNIST, where Debian's package is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantbench.data import TransferLimits, load, preprocess
from quantbench.data.fashion_mnist import SPEC


@pytest.mark.skipif(
    not any(folder.is_dir() for folder in SPEC.folders),
    reason="Debian's package dataset-fashion-mnist isn't installed",
)
def test_it_loads_from_the_folder_of_debians_package(tmp_path: Path) -> None:
    splits = load(SPEC, offline=True, cache=tmp_path, limits=TransferLimits(), log=lambda _: None)
    assert [len(s) for s in (splits.train, splits.calibration, splits.test)] == [55000, 5000, 10000]
    assert np.bincount(splits.test.labels).tolist() == [1000] * 10
    inputs = preprocess(splits.train.images, SPEC)
    inner = inputs[:, :, 2:-2, 2:-2]
    assert abs(float(inner.mean())) < 0.01
    assert abs(float(inner.std()) - 1) < 0.01
