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
    # [0, 0, 9 - ln 2], [ln 3, 9, 1e30], [0, 9 - ln 2, 0] and [9 - ln 2, 0, 0], all over 12
    "logit_difference": ("logits", False, (3 * (9 - LN2) + LN3 + 9 + float(np.float32(1e30))) / 12),
    "loss": ("nats", False, (LN2 + math.log(4) + math.log(4) + LN2) / 4),
    "size": ("bytes", False, 75_466),
}


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_it_gives_what_was_worked_out_by_hand(name: str) -> None:
    unit, higher, value = KNOWN[name]
    module = plugins.metric(name)
    assert (unit, higher) == (module.UNIT, module.HIGHER_IS_BETTER)
    assert module.compute(SEEN) == pytest.approx(value, rel=1e-7)


@pytest.mark.parametrize("name", plugins.names("metrics"))
def test_it_leaves_what_it_sees_as_it_was(name: str) -> None:
    before = LOGITS.copy(), FLOAT.copy(), LABELS.copy()
    plugins.metric(name).compute(SEEN)
    for array, copy in zip((LOGITS, FLOAT, LABELS), before, strict=True):
        assert np.array_equal(array, copy)


def test_agreement_is_not_about_the_labels() -> None:
    seen = Observation(FLOAT, FLOAT, (LABELS + 1) % 3, bytes=1)
    assert plugins.metric("agreement").compute(seen) == 1
    assert plugins.metric("accuracy").compute(seen) < 1


def test_logits_of_float_itself_do_not_differ() -> None:
    seen = Observation(LOGITS, LOGITS, LABELS, bytes=1)
    assert plugins.metric("logit_difference").compute(seen) == 0


def test_differences_do_not_cancel_out_and_do_not_overflow() -> None:
    """3e38 - -3e38 is no float32; and +1 and -1 are 1 on average, not 0."""
    compute = plugins.metric("logit_difference").compute
    logits, other = (np.array([values], np.float32) for values in ([1, 3, 5], [2, 2, 5]))
    assert compute(Observation(logits, other, np.array([1]), bytes=1)) == pytest.approx(2 / 3)
    large = np.full((1, 3), 3e38, np.float32)
    assert compute(Observation(large, -large, np.array([1]), bytes=1)) == pytest.approx(6e38)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("spoilt", [(True, False), (False, True), (True, True)])
def test_a_difference_of_what_is_no_number_is_none(bad: float, spoilt: tuple[bool, bool]) -> None:
    both = [np.array([[bad if bad_here else 0, 0, 0]], np.float32) for bad_here in spoilt]
    seen = Observation(both[0], both[1], np.array([1]), bytes=1)
    assert not math.isfinite(plugins.metric("logit_difference").compute(seen))


def test_loss_of_large_logits_does_not_overflow() -> None:
    logits = np.array([[1e4, 0, 0]], np.float32)
    seen = Observation(logits, logits, np.array([1]), bytes=1)
    assert plugins.metric("loss").compute(seen) == pytest.approx(1e4)


def test_loss_of_logits_that_are_no_numbers_is_none() -> None:
    logits = np.array([[np.nan, 0, 0]], np.float32)
    seen = Observation(logits, logits, np.array([1]), bytes=1)
    assert not math.isfinite(plugins.metric("loss").compute(seen))
