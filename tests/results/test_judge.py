"""Rows judged by metrics of each kind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantbench.contracts import Observation
from quantbench.results.judge import Judgement, judgements, kind_of
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
        "no difference shown", "no difference shown", "worse", "better"
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


@pytest.mark.parametrize(("apart", "verdict"), [(8, "no difference shown"), (14, "worse")])
def test_agreement_is_worse_beyond_its_margin(apart: int, verdict: str) -> None:
    """Of 400 samples 8 are 2 %, with a bound of 0.9 % that is within the margin of 1 %."""
    _, row = judged(metric_named("agreement"), logits(0), logits(apart), targets=None)
    assert row.score == wilson(400 - apart, 400)
    assert (row.p, row.only_float_right, row.only_this_right) == (None, apart, 0)
    assert row.verdict == verdict


def values(shift: float, spread: float = 0.02, seed: int = 1) -> tuple[Array, Array]:
    """Targets, and outputs with an error of about 1 that grows by `shift`."""
    random = np.random.default_rng(2)
    targets = random.normal(size=SAMPLES)
    error = random.normal(size=SAMPLES) + np.random.default_rng(seed).normal(0, spread, SAMPLES)
    return targets, targets + error * math.sqrt(1 + shift)


@pytest.mark.parametrize(
    ("shift", "verdict"), [(0.1, "worse"), (-0.1, "better"), (0.0, "no difference shown")]
)
def test_numbers_by_sample_are_judged_by_pairs(shift: float, verdict: str) -> None:
    """The intervals of the scores overlap widely; that of the paired difference is narrow."""
    targets, base = values(0)
    _, row = judged(
        metric_named("mean_squared_error"), base, values(shift, seed=3)[1], targets=targets
    )
    assert (row.verdict, row.p, row.only_float_right) == (verdict, None, None)
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
        assert row.verdict == "no difference shown"


def test_a_figure_of_the_whole_set_is_judged_by_resampling() -> None:
    random = np.random.default_rng(4)
    targets = np.repeat([0, 1], 150)
    base = (targets + random.normal(0, 1, 300)).astype(np.float32)
    noisy = (base + random.normal(0, 1.5, 300)).astype(np.float32)
    close = (base + random.normal(0, 0.01, 300)).astype(np.float32)
    first, worse, same = judged(metric_named("auc"), base, noisy, close, targets=targets)
    assert [row.verdict for row in (first, worse, same)] == [
        "no difference shown", "worse", "no difference shown"
    ]  # fmt: skip
    assert worse.difference is not None
    assert worse.difference.how == "percentile bootstrap, 999 resamples"
    assert worse.score is not None
    assert first.score is not None
    assert worse.difference.value == worse.score.value - first.score.value
    assert worse.p is worse.only_float_right is None


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
