"""The record of a split: slices of it can be written to, and nothing is lost on the way."""

from __future__ import annotations

import numpy as np

from quantbench.samples.records import Samples


def test_a_slice_can_be_written_to_and_what_is_stored_stays() -> None:
    stored = np.arange(6, dtype=np.float32).reshape(3, 2)
    stored.setflags(write=False)
    (inputs,) = Samples("test", (stored,)).inputs(1, 3)
    inputs[:] = 7
    assert stored.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_an_array_that_is_not_aligned_is_handed_over_aligned() -> None:
    raw = np.zeros(4 * 6 + 1, np.uint8)[1:].view(np.float32).reshape(3, 2)
    assert not raw.flags.aligned
    (inputs,) = Samples("test", (raw,)).inputs()
    assert inputs.flags.aligned


def test_a_part_keeps_the_classes() -> None:
    samples = Samples("test", (np.zeros((4, 1)),), np.arange(4), classes=("a", "b", "c", "d"))
    part = samples.part(1, 3)
    assert (len(part), part.classes) == (2, samples.classes)
    assert part.targets is not None
    assert part.targets.tolist() == [1, 2]
