"""Decide which rows are started again: the answer, or what it is compared with, hangs on them.

The rule was set before it was tried; docs/measuring.md states it and how often it errs.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from quantbench.harness.pool import Candidate
from quantbench.harness.records import Latency, Skipped
from quantbench.harness.timing import Contest, Timing
from quantbench.results.judge import judgements
from quantbench.results.metric import Metric, metric_for, scored
from quantbench.results.recommend import keeps_from_shipping, on_front
from quantbench.results.seen import baseline_of, observations
from quantbench.results.speed import MARGIN, fastest, speed
from quantbench.samples.records import Arrays
from quantbench.system.fingerprint import fingerprint
from quantbench.tasks.task import Task

MOST = 8
"""Rows that are started again at most for one batch and kind, the fastest first."""
Look = dict[int, Timing]
"""The times of the first look, by row; those that failed aren't in it."""


def contest(
    task: Task,
    candidates: Sequence[Candidate],
    outputs: Sequence[Arrays],
    metric: Metric | None = None,
    always: Collection[str] = (),
) -> Contest:
    """The contest of a study's rows, of which those named in `always` are started again anyway.

    Rows that could be the answer are started again, those on the Pareto front, artifacts of an
    earlier study with those that took their place, and the float32 that each of them is compared
    with. Finalists are those that could be shipped, with the float32 that may be the fastest.
    `metric` judges, as in `results_of`: a row whose score is lower than float32's can't be the
    answer, however fast, and would hide the one that can.
    """
    judging = metric or metric_for(task)
    seen = observations(task, candidates, outputs)
    sign = -1 if judging.higher_is_better else 1
    scores = [scored(judging, each) for each in seen]
    costs = [math.inf if score.value is None else sign * score.value for score in scores]

    baselines = [baseline_of(candidates, candidate) for candidate in candidates]
    judged = judgements(judging, scores, seen, baselines)
    whole = [
        i
        for i, candidate in enumerate(candidates)
        if not candidate.earlier and candidate.artifact.body.quantized.kind == "real"
        if not keeps_from_shipping(judged[i].verdict, costs=judged[i].costs)
    ]

    def contenders(rows: Sequence[Timing | Skipped]) -> Collection[int]:
        look = _working(rows)
        chosen = {i for i in look if candidates[i].name in always} | _pairs(candidates, look)
        for batch in _batches(look):
            near, able = _could_win(candidates, look, whole, batch)
            chosen |= {*near, *able, *_rivals(candidates, look, near, batch)}
        chosen |= _front(candidates, look, costs)
        return {*chosen, *_baselines(candidates, look, chosen)}

    def finalists(rows: Sequence[Timing | Skipped]) -> Collection[int]:
        times = _working(rows)
        found = [_could_win(candidates, times, whole, batch) for batch in _batches(times)]
        return {i for near, able in found if able for i in (*near, *able)}

    return Contest(
        contenders,
        finalists,
        {
            "metric": judging.name,
            "scores": [score.value for score in scores],
            "always": [*sorted(always)],
            "code": {**fingerprint(__name__)},
        },
    )


def _batches(look: Look) -> Iterable[int]:
    batches = [x.batch for timing in look.values() for x in timing.latency if x.kind == "model"]
    return {min(batches), max(batches)} if batches else ()


def _at(timing: Timing, batch: int) -> Latency:
    return next(x for x in timing.latency if x.kind == "model" and x.batch == batch)


def _working(rows: Sequence[Timing | Skipped]) -> Look:
    return {i: row for i, row in enumerate(rows) if isinstance(row, Timing)}


def _could_win(
    candidates: Sequence[Candidate], look: Look, whole: Sequence[int], batch: int
) -> tuple[list[int], list[int]]:
    """The rows that could be the fastest float32, and those of `whole` that could be shipped."""
    near = _near(look, [i for i in look if candidates[i].is_baseline], batch)
    if not near:
        return [], []
    best = _at(look[near[0]], batch)
    able = [
        i for i in whole if i in look and speed("", best, _at(look[i], batch)).verdict != "slower"
    ]
    return near, _near(look, able, batch)


def _rivals(
    candidates: Sequence[Candidate], look: Look, near: Sequence[int], batch: int
) -> list[int]:
    """The fastest float32 of another runtime than the fastest one's."""
    if not near:
        return []
    own = candidates[near[0]].runtime.name
    others = [i for i in look if candidates[i].is_baseline and candidates[i].runtime.name != own]
    return _near(look, others, batch)[:1]


def _near(look: Look, rows: Sequence[int], batch: int) -> list[int]:
    """Those of `rows` that may be as fast as the fastest of them, within the margin; it is first.

    They are as many as MOST.
    """
    if not rows:
        return []
    times = [_at(look[i], batch) for i in rows]
    best = fastest(times)
    ratios = [(speed("", times[best], time), i) for time, i in zip(times, rows, strict=True)]
    able = [(ratio.value, i) for ratio, i in ratios if ratio.high >= 1 / (1 + MARGIN)]
    ordered = sorted(able, key=lambda pair: (pair[1] != rows[best], -pair[0]))
    return [i for _, i in ordered[:MOST]]


def _front(candidates: Sequence[Candidate], look: Look, costs: Sequence[float]) -> set[int]:
    """The rows on the Pareto front of score, time of the smallest batch and bytes."""
    batch = min(_batches(look), default=1)
    rows = [i for i in look if math.isfinite(costs[i]) and not candidates[i].earlier]
    found = on_front([
        (costs[i], _at(look[i], batch).median, candidates[i].artifact.bytes) for i in rows
    ])  # fmt: skip
    return {i for i, front in zip(rows, found, strict=True) if front}


def _pairs(candidates: Sequence[Candidate], look: Look) -> set[int]:
    """The rows of an earlier study's artifacts, each with the new row that it is paired with."""
    earlier = {candidates[i].place for i in look if candidates[i].earlier}
    return {i for i in look if candidates[i].place in earlier}


def _baselines(candidates: Sequence[Candidate], look: Look, rows: Iterable[int]) -> Iterable[int]:
    return {index for i in rows if (index := baseline_of(candidates, candidates[i])) in look}
