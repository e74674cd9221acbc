"""Every file of measure/."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantbench import plugins
from quantbench.contracts import Observation

LN2, LN3 = math.log(2), math.log(3)

# Softmax of a row [0, 0, ln 2] is (1/4, 1/4, 1/2), of [ln 3, 0, -inf-like] about (3/4, 1/4, 0).
LOGITS = np.array([[0, 0, LN2], [LN3, 0, -1e30], [0, LN2, 0], [LN2, 0, 0]], np.float32)
FLOAT = np.array([[0, 0, 9], [0, 9, 0], [0, 9, 0], [9, 0, 0]], np.float32)
LABELS = np.array([2, 1, 2, 0])
SEEN = Observation(LOGITS, FLOAT, LABELS, bytes=75_466)

KNOWN = {
    "accuracy": ("fraction", True, 2 / 4),  # rows 0 and 3
    "agreement": ("fraction", True, 3 / 4),  # all but row 1
    "loss": ("nats", False, (LN2 + math.log(4) + math.log(4) + LN2) / 4),
    "size": ("bytes", False, 75_466),
}


@pytest.mark.parametrize("name", plugins.names("measure"))
def test_it_gives_what_was_worked_out_by_hand(name: str) -> None:
    unit, higher, value = KNOWN[name]
    module = plugins.metric(name)
    assert (unit, higher) == (module.UNIT, module.HIGHER_IS_BETTER)
    assert module.compute(SEEN) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", plugins.names("measure"))
def test_it_leaves_what_it_sees_as_it_was(name: str) -> None:
    before = LOGITS.copy(), FLOAT.copy(), LABELS.copy()
    plugins.metric(name).compute(SEEN)
    for array, copy in zip((LOGITS, FLOAT, LABELS), before, strict=True):
        assert np.array_equal(array, copy)


def test_agreement_is_not_about_the_labels() -> None:
    seen = Observation(FLOAT, FLOAT, (LABELS + 1) % 3, bytes=1)
    assert plugins.metric("agreement").compute(seen) == 1
    assert plugins.metric("accuracy").compute(seen) < 1


def test_loss_of_large_logits_does_not_overflow() -> None:
    logits = np.array([[1e4, 0, 0]], np.float32)
    seen = Observation(logits, logits, np.array([1]), bytes=1)
    assert plugins.metric("loss").compute(seen) == pytest.approx(1e4)


def test_loss_of_logits_that_are_no_numbers_is_none() -> None:
    logits = np.array([[np.nan, 0, 0]], np.float32)
    seen = Observation(logits, logits, np.array([1]), bytes=1)
    assert not math.isfinite(plugins.metric("loss").compute(seen))
