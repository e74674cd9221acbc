"""Assemble the records of results.json from outputs and times."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from quantbench import plugins
from quantbench.errors import UnavailableError
from quantbench.harness.measure import Measured
from quantbench.harness.records import Latency, Skipped, Throughput
from quantbench.harness.timing import Timing
from quantbench.numerics.classes import decisions
from quantbench.results.disagreement import Accused, disagreements
from quantbench.results.earlier import against_earlier
from quantbench.results.judge import Judgement, equivalence, judgements, kind_of
from quantbench.results.metric import Metric, Scored, metric_for, metric_named, scored
from quantbench.results.recommend import with_recommendations
from quantbench.results.records import (
    AgainstEarlier,
    AgainstFloat,
    MetricFigure,
    Ratio,
    Results,
    Row,
)
from quantbench.results.seeds import Differences, by_seed
from quantbench.results.seen import baseline_of, observations
from quantbench.results.speed import fastest, speed
from quantbench.results.statistics import discordant
from quantbench.samples.images import Preprocessing
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task


def results_of(
    task: Task,
    layers: Sequence[Layer],
    measured: Measured,
    skipped: Sequence[Skipped],
    out: Path,
    metric: Metric | None = None,
    seeds: Sequence[Differences] = (),
) -> Results:
    """The results of a study, with paths relative to `out`.

    Each row is compared with float32 in the same runtime, or with the first float32 where that
    runtime has none. `metric` is how rows are judged, where it is no plug-in; else the task names
    it, or it follows from outputs and targets. `seeds` are the differences that other seeds gave.
    Raises UsageError or UnavailableError for that.
    """
    judging = metric or metric_for(task)
    baselines = [baseline_of(measured.candidates, candidate) for candidate in measured.candidates]
    seen = observations(task, measured.candidates, measured.outputs)
    scores = [scored(judging, each) for each in seen]
    judged = judgements(judging, scores, seen, baselines)
    others, broken = _metrics(judging)
    figures = [*((each, [scored(each, x) for x in seen]) for each in others), (judging, scores)]
    paired = against_earlier(measured.candidates, figures, seen)
    unlike = _unlike(measured)
    rows = tuple(
        _row(
            measured,
            index,
            baseline,
            judged[index],
            [(each, of_rows[index]) for each, of_rows in figures],
            unlike.get(index),
            broken,
            out,
            seeds,
            paired.get(index),
        )
        for index, baseline in enumerate(baselines)
    )
    by_study = [(c.earlier, row) for c, row in zip(measured.candidates, rows, strict=True)]
    results = Results(
        quantbench=measured.environment.versions["quantbench"],
        model=task.network.name,
        data=task.data,
        parameters=sum(layer.parameters for layer in layers),
        macs=sum(layer.macs for layer in layers),
        sample="image" if _takes_images(task) else "sample",
        metric=judging.info(kind_of(scores), equivalence(judging, kind_of(scores), judged)),
        network_sha256=task.network.sha256,
        training=task.training,
        splits={split.name: split.sha256 for split in task.splits},
        preprocessing_sha256=task.preprocessing_sha256 or None,
        preparation=prepare if isinstance(prepare := task.test.prepare, Preprocessing) else None,
        classes=task.classes,
        environment=measured.environment,
        data_loading=measured.data_loading,
        noise=measured.noise,
        rows=tuple(row for earlier, row in by_study if not earlier),
        earlier=tuple(row for earlier, row in by_study if earlier),
        skipped=tuple(skipped),
    )
    return with_recommendations(results)


def paired(measured: Measured, task: Task, method_a: str, method_b: str) -> tuple[int, int]:
    """Count the test samples that only `method_a`, and only `method_b`, classifies right.

    Each method is taken on the first of its runtimes, and the network by its first output.
    """
    methods = [candidate.artifact.body.method for candidate in measured.candidates]
    right = [
        decisions(measured.outputs[methods.index(name)][0]) == task.test.targets
        for name in (method_a, method_b)
    ]
    return discordant(right[0], right[1])


def _takes_images(task: Task) -> bool:
    """Whether the network's only input is [C, H, W] of 1, 3 or 4 channels."""
    shapes = [spec.shape for spec in task.network.inputs]
    return len(shapes) == 1 and len(shapes[0]) == 3 and shapes[0][0] in {1, 3, 4}


def _unlike(measured: Measured) -> dict[int, Accused]:
    """The candidates whose runtime computes their file unlike another runtime."""
    unlike = {}
    by_artifact: dict[str, list[int]] = {}
    for index, candidate in enumerate(measured.candidates):
        by_artifact.setdefault(candidate.artifact.sha256, []).append(index)
    floats = [candidate.is_baseline for candidate in measured.candidates]
    expected = measured.outputs[floats.index(True)]
    for indices in by_artifact.values():
        runtimes = [measured.candidates[i].runtime.name for i in indices]
        outputs = [measured.outputs[i] for i in indices]
        for disagreement in disagreements(runtimes, outputs, expected):
            unlike[indices[disagreement.index]] = disagreement
    return unlike


def _metrics(judging: Metric) -> tuple[list[Metric], tuple[str, ...]]:
    """The metrics besides `judging`, and a sentence for each that can't be used."""
    metrics, broken = list[Metric](), list[str]()
    for name in plugins.names("metrics"):
        try:
            metrics += [metric_named(name)] if name != judging.name else []
        except UnavailableError as error:
            broken.append(str(error))
    return metrics, tuple(broken)


def _figure(metric: Metric, score: Scored) -> MetricFigure:
    return MetricFigure(
        value=score.value,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        reason=score.reason,
    )


def _row(
    measured: Measured,
    index: int,
    baseline: int,
    judged: Judgement,
    scores: Sequence[tuple[Metric, Scored]],
    unlike: Accused | None,
    broken: tuple[str, ...],
    out: Path,
    seeds: Sequence[Differences],
    earlier: AgainstEarlier | None,
) -> Row:
    """A row; `scores` are its figures by every metric, the last of which judges it."""
    candidate, timing = measured.candidates[index], measured.timings[index]
    counted = measured.counted[index] if measured.counted else None
    uncounted = (
        (f"its instructions weren't counted: {counted}",) if isinstance(counted, str) else ()
    )
    artifact, body = candidate.artifact, candidate.artifact.body
    raised = [score.reason for _, score in scores if score.raised and score.reason]
    by_name = sorted(scores, key=lambda pair: pair[0].name)
    figures = {metric.name: _figure(metric, score) for metric, score in by_name if not score.raised}
    against = None if index == baseline else _against(measured, index, baseline, judged, seeds)
    return Row(
        method=body.method,
        runtime=candidate.runtime.name,
        format=body.format,
        settings=body.settings,
        numerics=body.quantized.numerics,
        kind=body.quantized.kind,
        artifact=_relative(artifact.folder, out),
        artifact_sha256=artifact.sha256,
        files={name: entry.bytes for name, entry in artifact.files.items()},
        bytes=artifact.bytes,
        coverage=body.quantized.coverage,
        samples=len(measured.outputs[index][0]),
        score=judged.score,
        score_reason=scores[-1][1].reason,
        metrics=figures,
        threads=timing.latency[0].threads,
        busy_threads=timing.busy_threads,
        warm_up=timing.warm_up,
        cold_start=timing.cold_start,
        peak_memory=timing.peak_memory,
        latency=timing.latency,
        throughput=_throughput(timing.latency),
        against_float=against,
        against_fastest=tuple(_against_fastest(measured, index)),
        against_earlier=earlier,
        instructions=None if isinstance(counted, str) else counted,
        unlike=unlike.unlike if unlike else None,
        notes=(
            *body.quantized.notes, *((unlike.words,) if unlike else ()), *uncounted, *broken,
            *raised,
        ),
    )  # fmt: skip


def _against(
    measured: Measured,
    index: int,
    baseline: int,
    judged: Judgement,
    seeds: Sequence[Differences],
) -> AgainstFloat:
    this, base = measured.candidates[index], measured.candidates[baseline]
    spread = by_seed(judged.difference.value, this.name, seeds) if judged.difference else None
    hidden = spread is not None and abs(spread.mean) < spread.spread
    return AgainstFloat(
        baseline=base.name,
        bytes_ratio=base.artifact.bytes / this.artifact.bytes,
        difference=judged.difference,
        verdict="not resolved" if hidden and judged.verdict in _DIFFERS else judged.verdict,
        costs=judged.costs,
        seeds=spread,
        p=judged.p,
        adjusted_p=judged.adjusted_p,
        only_float_right=judged.only_float_right,
        only_this_right=judged.only_this_right,
        speed=_speed(base.name, measured.timings[baseline], measured.timings[index]),
    )


_DIFFERS = ("worse", "better")


def _speed(name: str, baseline: Timing, this: Timing) -> tuple[Ratio, ...]:
    return tuple(speed(name, a, b) for a, b in zip(baseline.latency, this.latency, strict=True))


def _against_fastest(measured: Measured, index: int) -> Iterator[Ratio]:
    """The speed in each cell against the runtime whose float32 is fastest in that cell."""
    floats = [i for i, c in enumerate(measured.candidates) if c.is_baseline]
    for cell, this in enumerate(measured.timings[index].latency):
        best = floats[fastest([measured.timings[i].latency[cell] for i in floats])]
        if best != index:
            name = measured.candidates[best].name
            yield speed(name, measured.timings[best].latency[cell], this)


def _throughput(latencies: Sequence[Latency]) -> Throughput:
    best = min((x for x in latencies if x.kind == "model"), key=lambda x: x.median)
    return Throughput(images_per_second=1e6 / best.median, batch=best.batch, threads=best.threads)


def _relative(folder: Path, out: Path) -> str:
    """The folder as seen from `out`; an earlier study's lies elsewhere."""
    return Path(os.path.relpath(folder, out)).as_posix()
