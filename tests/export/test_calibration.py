"""The size of calibration batches: by samples, by bytes, or the one that a network takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from quantbench.export.calibration import BATCH, BATCH_BYTES, Batches
from quantbench.samples.records import Samples


@dataclass(frozen=True)
class Fixed:
    """The part of a network that batches depend on."""

    fixed_batch: int | None = None


def sizes(samples: int, shape: tuple[int, ...], fixed: int | None = None) -> list[int]:
    """The samples of each batch, of zeros that take no memory."""
    zeros = np.broadcast_to(np.float32(0), (samples, *shape))
    batches = Batches(Samples("calibration", (zeros,)), Fixed(fixed))  # type: ignore[arg-type]
    found = [len(inputs) for (inputs,) in batches]
    assert len(batches) == len(found)
    return found


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (4,)])
def test_small_samples_are_taken_by_number(shape: tuple[int, ...]) -> None:
    assert sizes(250, shape) == [BATCH, BATCH, 50]


def test_large_samples_are_taken_by_bytes() -> None:
    image = 4 * 3 * 224 * 224
    most = BATCH_BYTES // image
    assert most == 6
    assert sizes(20, (3, 224, 224)) == [6, 6, 6, 2]
    assert sizes(2, (3, 2000, 2000)) == [1, 1]  # each is larger than what a batch may have


def test_a_network_of_one_batch_has_that() -> None:
    assert sizes(5, (3, 224, 224), fixed=2) == [2, 2, 2]
