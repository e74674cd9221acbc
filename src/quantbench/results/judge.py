"""Judge rows by a metric: each row's score, and its difference to float32, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quantbench.contracts import Observation
from quantbench.results.bootstrap import mean_intervals, whole_set_intervals
from quantbench.results.metric import Metric, Scored, scored
from quantbench.results.records import Interval, MetricKind, Verdict
from quantbench.results.statistics import (
    difference_p,
    discordant,
    falls_short,
    holm,
    mcnemar,
    paired_difference,
    score_verdict,
    wilson,
)
from quantbench.samples.records import Array


@dataclass(frozen=True)
class Judgement:
    """A row's score, and how it compares with that of its float32; both may be missing."""

    score: Interval | None
    difference: Interval | None = None
    verdict: Verdict = "not judged"
    p: float | None = None
    adjusted_p: float | None = None
    costs: bool = False
    only_float_right: int | None = None
    only_this_right: int | None = None


def kind_of(scores: Sequence[Scored]) -> MetricKind:
    """The kind of a metric, by the first row that has a figure."""
    return next((score.kind for score in scores if score.value is not None), "whole_set")


def judgements(
    metric: Metric,
    scores: Sequence[Scored],
    seen: Sequence[Observation],
    baselines: Sequence[int],
) -> tuple[Judgement, ...]:
    """Judge each row against its float32, whose index is in `baselines`.

    `scores` are the metric's figures for what each row has `seen`. A row without a figure, and one
    whose float32 has none, isn't judged.
    """
    kind = kind_of(scores)
    usable = [
        index
        for index, score in enumerate(scores)
        if score.value is not None and score.kind == kind and scores[baselines[index]].kind == kind
        if scores[baselines[index]].value is not None
    ]
    judged = {
        "right_or_wrong": _by_counts,
        "per_sample": _by_means,
        "whole_set": _by_resampling,
    }[kind](metric, scores, seen, baselines, usable)
    by_row = dict(zip(usable, judged, strict=True))
    rows = tuple(by_row.get(index, Judgement(None)) for index in range(len(scores)))
    return _with_verdicts(metric, rows, baselines, equivalence(metric, kind, rows))


def equivalence(metric: Metric, kind: MetricKind, rows: Sequence[Judgement]) -> float:
    """The difference of scores below which two rows are equivalent.

    Unless the metric has one it is 0.1 points of what is right or wrong, and else 1 % of the first
    row's score, float32's.
    """
    if metric.equivalent is not None:
        return metric.equivalent
    score = rows[0].score if rows else None
    return (
        EQUIVALENT_SHARE
        if kind == "right_or_wrong"
        else EQUIVALENT * abs(score.value if score else 0.0)
    )


EQUIVALENT_SHARE, EQUIVALENT = 0.001, 0.01


def _with_verdicts(
    metric: Metric, rows: Sequence[Judgement], baselines: Sequence[int], equivalent: float
) -> tuple[Judgement, ...]:
    """The rows with their verdicts, which hold for all of them at once."""
    tested = {
        index: difference_p(row.difference, metric.margin) if row.p is None else row.p
        for index, row in enumerate(rows)
        if row.difference is not None and baselines[index] != index
    }
    known = {index: p for index, p in tested.items() if p is not None}
    adjusted = dict(zip(known, holm([*known.values()]), strict=True))
    return tuple(
        row
        if row.difference is None
        else replace(
            row,
            p=known.get(index),
            adjusted_p=adjusted.get(index),
            costs=falls_short(row.difference, metric.higher_is_better, metric.margin),
            verdict=score_verdict(
                row.difference,
                adjusted.get(index),
                higher_is_better=metric.higher_is_better,
                equivalent=max(equivalent, metric.margin),
            ),
        )
        for index, row in enumerate(rows)
    )


def _by_counts(
    metric: Metric,
    scores: Sequence[Scored],
    seen: Sequence[Observation],  # noqa: ARG001
    baselines: Sequence[int],
    usable: Sequence[int],
) -> list[Judgement]:
    """Wilson's interval, and against float32 McNemar's test and Newcombe's interval."""
    judged = []
    for index in usable:
        values, float_values = _values(scores[index]), _values(scores[baselines[index]])
        both = int((values & float_values).sum())
        only_float, only_this = discordant(float_values, values)
        neither = len(values) - both - only_float - only_this
        difference = paired_difference(both, only_this, only_float, neither)
        if not metric.higher_is_better:  # then the values say which samples are wrong
            only_float, only_this = only_this, only_float
        p = None if metric.margin else mcnemar(only_float, only_this)
        score = wilson(int(values.sum()), len(values))
        found = Judgement(score, difference, p=p)
        judged.append(replace(found, only_float_right=only_float, only_this_right=only_this))
    return judged


def _by_means(
    metric: Metric,  # noqa: ARG001
    scores: Sequence[Scored],
    seen: Sequence[Observation],  # noqa: ARG001
    baselines: Sequence[int],
    usable: Sequence[int],
) -> list[Judgement]:
    """A bootstrap of the mean, and of the mean of the differences to float32."""
    if not usable:
        return []
    columns = [_values(scores[index]) for index in usable]
    columns += [_values(scores[i]) - _values(scores[baselines[i]]) for i in usable]
    intervals = mean_intervals(np.stack(columns, axis=1))
    return [
        Judgement(score, difference)
        for score, difference in zip(
            intervals[: len(usable)], intervals[len(usable) :], strict=True
        )
    ]


def _by_resampling(
    metric: Metric,
    scores: Sequence[Scored],
    seen: Sequence[Observation],
    baselines: Sequence[int],
    usable: Sequence[int],
) -> list[Judgement]:
    """A bootstrap of the figure, which is computed anew for each resample of the samples."""
    if not usable:
        return []

    def figures(drawn: NDArray[np.intp]) -> list[float]:
        values = (scored(metric, _resampled(seen[index], drawn)).value for index in usable)
        return [float("nan") if value is None else value for value in values]

    values = [value for index in usable if (value := scores[index].value) is not None]
    paired_with = [usable.index(baselines[index]) for index in usable]
    samples = len(seen[0].outputs[0])
    figures_, differences = whole_set_intervals(values, paired_with, figures, samples)
    return [
        Judgement(score, difference)
        for score, difference in zip(figures_, differences, strict=True)
    ]


def _resampled(seen: Observation, drawn: NDArray[np.intp]) -> Observation:
    return replace(
        seen,
        outputs=tuple(output[drawn] for output in seen.outputs),
        float_outputs=tuple(output[drawn] for output in seen.float_outputs),
        targets=None if seen.targets is None else seen.targets[drawn],
    )


def _values(score: Scored) -> Array:
    assert score.values is not None  # of a metric that has a value for each sample
    return score.values
