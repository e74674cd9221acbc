"""The score against the number of calibration samples, on a small network."""

from __future__ import annotations

import numpy as np
import pytest

from quantbench.errors import UnavailableError, UsageError
from quantbench.explain.calibration import calibration, enough
from quantbench.explain.subject import Subject
from quantbench.results.metric import Scored
from tests.explain import small
from tests.methods.ort import logits


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return small.subject(small.task(tails=1.0), tmp_path_factory.mktemp("calibrated"))


def test_the_whole_split_scores_as_the_studys_own_row(subject: Subject) -> None:
    found = calibration(subject, counts=(1, 8, 200, 1_000), observers=("minmax",), draws=3)
    assert [(point.samples, point.draws) for point in found.points] == [(1, 3), (8, 3), (200, 1)]
    one, few, whole = found.points
    answers = logits(subject.artifact(subject.results.rows[0]), subject.task).argmax(1)
    assert whole.mean == (answers == subject.task.test.targets).mean()
    assert whole.low == whole.mean == whole.high
    assert one.low < one.mean < one.high
    assert one.mean < few.mean - 0.02
    assert found.enough is not None
    assert found.unit == "fraction"
    assert found.notes == (
        "there are 200 calibration samples, which stand for every larger number",
    )


def test_every_observer_is_tried_the_studys_own_first(subject: Subject) -> None:
    found = calibration(subject, counts=(16,), draws=1)
    assert [point.observer for point in found.points] == ["minmax", "entropy", "percentile"]
    assert found.enough is None


def test_time_that_is_spent_is_told(subject: Subject) -> None:
    found = calibration(subject, counts=(1, 2), observers=("minmax",), seconds=1e-9)
    assert found.points == ()
    assert found.notes == ("0 of 10 calibrations were made in 1e-09 s",)


def test_what_a_method_has_not_is_refused(subject: Subject) -> None:
    with pytest.raises(UsageError, match="no observer 'histogram'; it has minmax, entropy, perc"):
        calibration(subject, observers=("histogram",))
    with pytest.raises(UnavailableError, match="takes no calibration samples"):
        calibration(subject, "ort_dynamic")


def right(share: float, seed: int) -> Scored:
    values = np.random.default_rng(seed).random(400) < share
    return Scored(float(values.mean()), values)


def draws(share: float, seed: int) -> list[Scored]:
    return [right(share, 10 * seed + number) for number in range(5)]


def test_enough_is_where_nothing_more_is_shown_to_be_gained() -> None:
    rising = [(1, draws(0.5, 1)), (4, draws(0.8, 2)), (16, draws(0.95, 3)), (64, draws(0.95, 4))]
    assert enough(rising, higher_is_better=True) == 16
    assert enough(rising, higher_is_better=False) == 1
    assert enough(rising[:3], higher_is_better=True) is None
    assert enough(rising[3:], higher_is_better=True) is None


def test_a_gain_that_draws_or_samples_may_have_made_is_not_shown() -> None:
    values = np.arange(400) < 380
    one_more = np.arange(400) < 381
    always = [Scored(0.95, values)] * 5
    by_one_sample = [Scored(381 / 400, one_more)] * 5
    assert enough([(4, always), (16, by_one_sample)], higher_is_better=True) == 4

    scattered = [right(share, 7) for share in (0.5, 0.99, 0.6, 0.99, 0.99)]
    better = draws(0.95, 3)
    assert enough([(4, scattered), (16, better)], higher_is_better=True) == 4
