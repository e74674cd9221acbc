from __future__ import annotations

import numpy as np
import pytest

from quantbench.samples.records import Samples
from quantbench.tasks.checks.splits import few_samples, no_samples, one_class
from tests.tasks.checks.case import evidence, pixels, samples


def test_an_empty_split_stops_a_study() -> None:
    (empty,) = no_samples(evidence(test=samples("test", pixels(0, 1, 3, 4, 4))))
    assert empty.stops
    assert empty.sentence == "there are no test samples"
    assert not list(no_samples(evidence()))


@pytest.mark.parametrize(
    ("count", "sentence"), [(1, "there is one sample for test"), (50, "there are 50 samples")]
)
def test_few_test_samples_are_named(count: int, sentence: str) -> None:
    (few,) = few_samples(evidence(test=samples("test", pixels(count, 1, 3, 4, 4))))
    assert few.sentence.startswith(sentence)
    assert not few.stops


def test_few_calibration_samples_are_named() -> None:
    (few,) = few_samples(evidence(calibration=samples("calibration", pixels(4, 1, 3, 4, 4))))
    assert "4 samples for calibration" in few.sentence
    assert not list(few_samples(evidence()))


def test_one_class_is_named_with_its_split() -> None:
    alike = samples("calibration", pixels(40, 1, 3, 4, 4), targets=np.full(40, 3))
    assert [found.sentence for found in one_class(evidence(calibration=alike))] == [
        "all 40 calibration samples are of class 3"
    ]
    assert not list(one_class(evidence()))


def test_targets_that_are_no_classes_are_of_no_class() -> None:
    regression = Samples("test", (pixels(40, 1, 3, 4, 4),), np.zeros(40, np.float32))
    assert not list(one_class(evidence(test=regression)))
