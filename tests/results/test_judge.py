"""Rows judged by metrics of each kind."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm, ttest_rel

from quantbench.contracts import Observation
from quantbench.results.judge import Judgement, equivalence, judgements, kind_of
from quantbench.results.metric import Metric, metric_named, metric_of, scored
from quantbench.results.statistics import mcnemar, paired_difference, wilson
from quantbench.samples.records import Array

SAMPLES = 400
TARGETS = np.random.default_rng(0).integers(0, 3, SAMPLES)


def logits(wrong: int, first: int = 0) -> Array:
    """Outputs that are right but on `wrong` samples from `first` on."""
    named = TARGETS.copy()
    named[first : first + wrong] = (named[first : first + wrong] + 1) % 3
    return np.eye(3, dtype=np.float32)[named]


def judged(
    metric: Metric, *outputs: Array, targets: Array | None = TARGETS
) -> tuple[Judgement, ...]:
    """Judge outputs, each against the first, which is float32's."""
    seen = [Observation((each,), (outputs[0],), targets, 1) for each in outputs]
    scores = [scored(metric, each) for each in seen]
    return judgements(metric, scores, seen, [0] * len(outputs))


def test_right_and_wrong_are_judged_by_counts() -> None:
    base, same, worse, better = judged(
        metric_named("accuracy"), logits(20), logits(22, 2), logits(60), logits(2)
    )
    assert base.score == wilson(380, 400)
    assert (same.only_float_right, same.only_this_right) == (4, 2)
    assert same.difference == paired_difference(376, 2, 4, 18)
    assert same.p == mcnemar(4, 2)
    assert [row.verdict for row in (base, same, worse, better)] == [
        "not resolved", "not resolved", "worse", "better"
    ]  # fmt: skip


def test_what_is_wrong_may_be_what_is_counted() -> None:
    """The same counts, from a metric that is true where a sample is wrong."""
    metric = metric_of(
        lambda outputs, targets: outputs.argmax(1) != targets, name="e", higher_is_better=False
    )
    _, worse = judged(metric, logits(20), logits(60))
    assert worse.score == wilson(60, 400)
    assert (worse.only_float_right, worse.only_this_right, worse.verdict) == (40, 0, "worse")
    assert worse.difference is not None
    assert worse.difference.value == 0.1


@pytest.mark.parametrize(("apart", "verdict"), [(8, "not resolved"), (14, "worse")])
def test_agreement_is_worse_beyond_its_margin(apart: int, verdict: str) -> None:
    """Of 400 samples 8 are 2 %, with a bound of 0.9 % that is within the margin of 1 %.

    p is that of a normal estimate whose interval has this half width: 1 % is half of the way.
    """
    _, row = judged(metric_named("agreement"), logits(0), logits(apart), targets=None)
    assert row.score == wilson(400 - apart, 400)
    assert (row.only_float_right, row.only_this_right) == (apart, 0)
    assert row.difference is not None
    assert row.difference.high is not None
    error = (row.difference.high - row.difference.value) / norm.isf(0.025)
    p = 2 * norm.sf(-row.difference.value, loc=0.01, scale=error)
    assert row.p == row.adjusted_p == pytest.approx(p, rel=1e-9)
    assert row.verdict == verdict
    assert row.costs == (verdict == "worse")


def values(shift: float, spread: float = 0.02, seed: int = 1) -> tuple[Array, Array]:
    """Targets, and outputs with an error of about 1 that grows by `shift`."""
    random = np.random.default_rng(2)
    targets = random.normal(size=SAMPLES)
    error = random.normal(size=SAMPLES) + np.random.default_rng(seed).normal(0, spread, SAMPLES)
    return targets, targets + error * math.sqrt(1 + shift)


@pytest.mark.parametrize(
    ("shift", "spread", "verdict"),
    [
        (0.1, 0.02, "worse"),
        (-0.1, 0.02, "better"),
        (0.0, 0.02, "equivalent"),
        (1 / 1.09 - 1, 0.3, "not resolved"),
    ],
)
def test_numbers_by_sample_are_judged_by_pairs(shift: float, spread: float, verdict: str) -> None:
    """The intervals of the scores overlap widely; that of the paired difference is narrow."""
    targets, base = values(0)
    outputs = values(shift, spread, seed=3)[1]
    _, row = judged(metric_named("mean_squared_error"), base, outputs, targets=targets)
    assert (row.verdict, row.costs, row.only_float_right) == (verdict, verdict == "worse", None)
    student = ttest_rel((outputs - targets) ** 2, (base - targets) ** 2).pvalue
    assert row.p == row.adjusted_p
    if student > 1e-6:  # further out the bootstrap's tails aren't Student's
        assert row.p == pytest.approx(student, rel=0.1)
    else:
        assert row.p is not None
        assert row.p < 1e-6
    assert row.score is not None
    assert row.difference is not None
    for interval in (row.score, row.difference):
        assert interval.how == "BCa bootstrap, 9,999 resamples"
        assert interval.low is not None
        assert interval.high is not None
        assert interval.low < interval.value < interval.high
    if verdict == "worse":
        assert row.score.low is not None
        assert row.score.low < row.score.value - row.difference.value


def test_a_row_that_is_float32_differs_from_it_by_nothing() -> None:
    targets, base = values(0)
    for row in judged(metric_named("mean_squared_error"), base, base, targets=targets):
        assert row.difference is not None
        assert row.difference.value == row.difference.low == row.difference.high == 0
        assert row.verdict == "equivalent"


def test_a_figure_of_the_whole_set_is_judged_by_resampling() -> None:
    random = np.random.default_rng(4)
    targets = np.repeat([0, 1], 150)
    base = (targets + random.normal(0, 1, 300)).astype(np.float32)
    noisy = (base + random.normal(0, 1.5, 300)).astype(np.float32)
    close = (base + random.normal(0, 0.01, 300)).astype(np.float32)
    first, worse, same = judged(metric_named("auc"), base, noisy, close, targets=targets)
    assert [row.verdict for row in (first, worse, same)] == [
        "equivalent", "worse", "equivalent"
    ]  # fmt: skip
    assert worse.difference is not None
    assert worse.difference.how == "percentile bootstrap, 999 resamples"
    assert worse.score is not None
    assert first.score is not None
    assert worse.difference.value == worse.score.value - first.score.value
    assert worse.p is not None
    assert worse.p < 0.01
    assert worse.adjusted_p == 2 * worse.p
    assert worse.only_float_right is None


def test_a_row_without_a_figure_is_not_judged_and_costs_no_other() -> None:
    targets, base = values(0)
    unknown = base.copy()
    unknown[7] = np.nan
    first, none, same = judged(
        metric_named("mean_squared_error"), base, unknown, base, targets=targets
    )
    assert none == Judgement(None)
    assert none.verdict == "not judged"
    assert first.score is not None
    assert same.score == first.score


def test_where_float32_has_no_figure_no_row_is_judged() -> None:
    targets, base = values(0)
    rows = judged(
        metric_named("mean_squared_error"), np.full(SAMPLES, np.nan), base, targets=targets
    )
    assert [row.verdict for row in rows] == ["not judged"] * 2
    assert [row.score for row in rows] == [None] * 2


@pytest.mark.parametrize("name", ["accuracy", "mean_squared_error", "auc"])
def test_a_metric_that_does_not_apply_judges_nothing(name: str) -> None:
    metric = metric_named(name)
    outputs = np.zeros((SAMPLES, 3, 3))
    seen = [Observation((outputs,), (outputs,), None, 1)] * 2
    scores = [scored(metric, each) for each in seen]
    assert kind_of(scores) == "whole_set"
    assert judgements(metric, scores, seen, [0, 0]) == (Judgement(None),) * 2


def flipped(lost: int, gained: int) -> Array:
    """Outputs that lose the first samples of those that `logits(1000)` has right, and gain some."""
    named = TARGETS_OF_MANY.copy()
    named[:1000] = (named[:1000] + 1) % 3
    named[:gained] = TARGETS_OF_MANY[:gained]
    named[1000 : 1000 + lost] = (named[1000 : 1000 + lost] + 1) % 3
    return np.eye(3, dtype=np.float32)[named]


TARGETS_OF_MANY = np.random.default_rng(5).integers(0, 3, 20_000)


def test_a_verdict_holds_for_all_rows_at_once() -> None:
    """McNemar's p for 15 to 4 is 0.019, which Holm multiplies by 3 as the second smallest of 4.

    So that row isn't resolved, though the interval of its own lies below 0.
    """
    base, clear, alone, nothing, same = judged(
        metric_named("accuracy"), flipped(0, 0), flipped(30, 5), flipped(15, 4), flipped(60, 60),
        flipped(0, 0), targets=TARGETS_OF_MANY,
    )  # fmt: skip
    rows = (clear, alone, nothing, same)
    expected = [binomtest(n, m, 0.5).pvalue for n, m in ((5, 35), (4, 19), (60, 120))] + [1.0]
    assert [row.p for row in rows] == pytest.approx(expected)
    assert [row.adjusted_p for row in rows] == pytest.approx(
        [4 * expected[0], 3 * expected[1], 1.0, 1.0]
    )
    assert expected[1] < 0.05 < 3 * expected[1]
    assert [row.verdict for row in rows] == ["worse", "not resolved", "not resolved", "equivalent"]
    assert [row.costs for row in rows] == [True, True, False, False]
    assert (base.p, base.adjusted_p) == (None, None)


@pytest.mark.parametrize(
    ("lost", "gained", "verdict"), [(60, 60, "not resolved"), (9, 8, "equivalent")]
)
def test_right_and_wrong_are_equivalent_within_a_tenth_of_a_point(
    lost: int, gained: int, verdict: str
) -> None:
    """Of 20,000 samples a tenth of a point are 20, 1.96 sqrt(120) are 21, 1.96 sqrt(17) are 8."""
    rows = judged(
        metric_named("accuracy"), flipped(0, 0), flipped(lost, gained), targets=TARGETS_OF_MANY
    )
    assert rows[1].verdict == verdict


def test_what_is_equivalent_is_a_hundredth_of_float32s_score_for_other_kinds() -> None:
    accuracy, scores = metric_named("accuracy"), [Judgement(wilson(30, 400)), Judgement(None)]
    assert equivalence(accuracy, "per_sample", scores) == 0.01 * 0.075
    assert equivalence(accuracy, "whole_set", scores) == 0.01 * 0.075
    assert equivalence(accuracy, "right_or_wrong", scores) == 0.001
    assert equivalence(accuracy, "per_sample", scores[1:]) == 0
    assert equivalence(accuracy, "per_sample", []) == 0


@pytest.mark.parametrize(("margin", "verdict"), [(None, "not resolved"), (0.2, "equivalent")])
def test_a_margin_that_is_stated_takes_the_place_of_the_default(
    margin: float | None, verdict: str
) -> None:
    metric = metric_named("accuracy").within(margin)
    rows = judged(metric, flipped(0, 0), flipped(60, 60), targets=TARGETS_OF_MANY)
    assert rows[1].verdict == verdict
    assert metric_named("loss").within(0.2).equivalent == 0.2  # in its own unit
