"""The conversion of float32 images to integers, against NumPy's division."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantbench.c99.build.loader import loaded
from quantbench.c99.generate import emit
from quantbench.c99.ir.graph import Window
from tests.c99 import checking
from tests.c99.builder import Builder


@pytest.mark.parametrize("channels", [1, 3, 17])
def test_integers_are_those_of_division(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int
) -> None:
    """All thresholds with the floats next to them, infinities, and what is no number."""
    checking.command()
    monkeypatch.setenv("QUANTBENCH_CACHE", str(tmp_path))
    build = Builder((channels, 5, 103))
    scale, zero = np.float32(0.0217), build.tensors["input"].zero_point
    build.tensors["input"] = replace(build.tensors["input"], scale=(float(scale),))
    output = build.pool("input", "max", Window((1, 1)))
    build.tensors[output] = replace(build.tensors[output], scale=(1.0,), zero_point=0)
    thresholds = ((np.arange(-2, 258) - zero - 0.5) * float(scale)).astype(np.float32)
    around = [np.nextafter(thresholds, np.float32(end)) for end in (-np.inf, np.inf)]
    drawn = np.random.default_rng(1).normal(0, 3, channels * 5 * 103).astype(np.float32)
    special = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-42, 3e38, -3e38], np.float32)
    inputs = np.concatenate([special, thresholds, *around, drawn])[: drawn.size]
    with np.errstate(invalid="ignore", over="ignore"):
        integers = np.rint(inputs / scale) + zero
    wanted = np.where(np.isnan(integers), 0, np.clip(integers, 0, 255))
    images = inputs.reshape(1, channels, 5, 103)
    assert np.array_equal(loaded(emit(build.graph(output)), 1)(images).ravel(), wanted)
