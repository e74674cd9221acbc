from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import ArtifactError
from quantbench.runtimes import null
from quantbench.runtimes.null import Null, save_null

IMAGES = np.zeros((4, 1, 32, 32), np.float32)


def test_it_answers_the_same_to_every_image(tmp_path: Path) -> None:
    logits = null.load(save_null(tmp_path, "float32", Null()), 1)(IMAGES)
    assert (logits.dtype, logits.shape) == (np.float32, (4, 10))
    assert np.array_equal(logits, np.eye(10, dtype=np.float32)[[0] * 4])


def test_it_takes_at_least_as_long_as_it_was_told(tmp_path: Path) -> None:
    predict = null.load(save_null(tmp_path, "a", Null(call_us=1000, image_us=500)), 1)
    start = time.perf_counter()
    predict(IMAGES)
    assert time.perf_counter() - start >= 3e-3


def test_it_fails_when_it_was_told_to(tmp_path: Path) -> None:
    predict = null.load(save_null(tmp_path, "a", Null(fault="nan", after=2)), 1)
    assert [bool(np.isnan(predict(IMAGES)).any()) for _ in range(4)] == [False, False, True, True]


def test_a_file_that_is_not_its_own_is_refused(tmp_path: Path) -> None:
    artifact = save_null(tmp_path, "a", Null())
    (artifact.folder / null.FILE).write_text('{"fault": "none of these"}')
    with pytest.raises(ArtifactError, match="isn't what the null runtime reads"):
        null.load(artifact, 1)
