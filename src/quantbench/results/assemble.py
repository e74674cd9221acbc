"""Assemble the records of results.json from logits and times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantbench import plugins
from quantbench.contracts import MetricModule, Observation
from quantbench.errors import UnavailableError, cause
from quantbench.harness.measure import BASELINE, Measured
from quantbench.harness.pool import Candidate
from quantbench.harness.records import Latency, Skipped, Throughput
from quantbench.harness.timing import Timing
from quantbench.results.disagreement import disagreements
from quantbench.results.recommend import with_recommendations
from quantbench.results.records import (
    AgainstFloat,
    Metric,
    Ratio,
    Results,
    Row,
)
from quantbench.results.statistics import (
    discordant,
    fastest,
    mcnemar,
    speed,
    wilson,
)
from quantbench.tasks.records import Layer
from quantbench.tasks.task import Task


def results_of(
    task: Task,
    layers: Sequence[Layer],
    measured: Measured,
    skipped: Sequence[Skipped],
    out: Path,
) -> Results:
    """The results of a study, with paths relative to `out`.

    Each row is compared with float32 in the same runtime, or with the first float32 where that
    runtime has none.
    """
    warnings = _warnings(measured)
    assert task.training is not None
    assert measured.data_loading is not None
    results = Results(
        quantbench=measured.environment.versions["quantbench"],
        model=task.name,
        data=task.data,
        parameters=sum(layer.parameters for layer in layers),
        macs=sum(layer.macs for layer in layers),
        checkpoint_sha256=task.network.sha256,
        training=task.training,
        splits={samples.name: samples.sha256 for samples in task.splits},
        preprocessing_sha256=task.preprocessing_sha256,
        environment=measured.environment,
        data_loading=measured.data_loading,
        rows=tuple(
            _row(task, measured, index, warnings[index], out)
            for index in range(len(measured.candidates))
        ),
        skipped=tuple(skipped),
    )
    return with_recommendations(results)


def paired(measured: Measured, task: Task, method_a: str, method_b: str) -> tuple[int, int]:
    """Count the test images that only `method_a`, and only `method_b`, has right.

    Each method is taken on the first of its runtimes.
    """
    methods = [candidate.artifact.body.method for candidate in measured.candidates]
    right = [
        measured.outputs[methods.index(name)][0].argmax(1) == task.test.targets
        for name in (method_a, method_b)
    ]
    return discordant(right[0], right[1])


def _baseline(candidates: Sequence[Candidate], candidate: Candidate) -> int:
    floats = [i for i, c in enumerate(candidates) if c.artifact.body.method == BASELINE]
    same = [i for i in floats if candidates[i].runtime.name == candidate.runtime.name]
    return (same or floats)[0]


def _warnings(measured: Measured) -> list[tuple[str, ...]]:
    """The warnings of each row: whether its runtime computes its file unlike another runtime."""
    warnings: list[tuple[str, ...]] = [()] * len(measured.candidates)
    by_artifact: dict[str, list[int]] = {}
    for index, candidate in enumerate(measured.candidates):
        by_artifact.setdefault(candidate.artifact.sha256, []).append(index)
    floats = [c.artifact.body.method == BASELINE for c in measured.candidates]
    expected = measured.outputs[floats.index(True)][0]
    for indices in by_artifact.values():
        runtimes = [measured.candidates[i].runtime.name for i in indices]
        logits = [measured.outputs[i][0] for i in indices]
        for place, words in disagreements(runtimes, logits, expected):
            warnings[indices[place]] = (words,)
    return warnings


def _row(task: Task, measured: Measured, index: int, warnings: tuple[str, ...], out: Path) -> Row:
    candidate, timing = measured.candidates[index], measured.timings[index]
    baseline = _baseline(measured.candidates, candidate)
    artifact, body = candidate.artifact, candidate.artifact.body
    logits, labels = measured.outputs[index][0], task.test.targets
    assert labels is not None
    seen = Observation(logits, measured.outputs[baseline][0], labels, artifact.bytes)
    metrics, unmeasured = _metrics(seen)
    correct = int((logits.argmax(1) == labels).sum())
    finite = bool(np.isfinite(logits).all())
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
        images=len(labels),
        correct=correct,
        accuracy=wilson(correct, len(labels)),
        loss=metrics["loss"].value,
        loss_reason=None if finite else "the engine gave logits that aren't finite",
        metrics=metrics,
        threads=timing.latency[0].threads,
        busy_threads=timing.busy_threads,
        warm_up=timing.warm_up,
        cold_start=timing.cold_start,
        peak_memory=timing.peak_memory,
        latency=timing.latency,
        throughput=_throughput(timing.latency),
        against_float=None if index == baseline else _against(measured, index, baseline, labels),
        against_fastest=tuple(_against_fastest(measured, index)),
        notes=(*body.quantized.notes, *warnings, *unmeasured),
    )


def _against(
    measured: Measured, index: int, baseline: int, labels: NDArray[np.int64]
) -> AgainstFloat:
    this, base = measured.candidates[index], measured.candidates[baseline]
    right = [measured.outputs[i][0].argmax(1) == labels for i in (baseline, index)]
    only_float, only_this = discordant(right[0], right[1])
    losses = [_loss(measured.outputs[i][0], labels) for i in (baseline, index)]
    return AgainstFloat(
        baseline=base.name,
        bytes_ratio=base.artifact.bytes / this.artifact.bytes,
        loss_difference=_finite(losses[1] - losses[0]),
        accuracy_difference=(only_this - only_float) / len(labels),
        only_float_right=only_float,
        only_this_right=only_this,
        mcnemar_p=mcnemar(only_float, only_this),
        speed=_speed(base.name, measured.timings[baseline], measured.timings[index]),
    )


def _speed(name: str, baseline: Timing, this: Timing) -> tuple[Ratio, ...]:
    return tuple(speed(name, a, b) for a, b in zip(baseline.latency, this.latency, strict=True))


def _against_fastest(measured: Measured, index: int) -> Iterator[Ratio]:
    """The speed in each cell against the runtime whose float32 is fastest in that cell."""
    floats = [i for i, c in enumerate(measured.candidates) if c.artifact.body.method == BASELINE]
    for cell, this in enumerate(measured.timings[index].latency):
        best = floats[fastest([measured.timings[i].latency[cell] for i in floats])]
        if best != index:
            name = measured.candidates[best].name
            yield speed(name, measured.timings[best].latency[cell], this)


def _throughput(latencies: Sequence[Latency]) -> Throughput:
    best = min((x for x in latencies if x.kind == "model"), key=lambda x: x.median)
    return Throughput(images_per_second=1e6 / best.median, batch=best.batch, threads=best.threads)


def _loss(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    return plugins.metric("loss").compute(Observation(logits, logits, labels, 0))


def _metrics(seen: Observation) -> tuple[dict[str, Metric], tuple[str, ...]]:
    """Each metric's figure, and a sentence for each that gives none."""
    figures, failures = dict[str, Metric](), list[str]()
    for name in plugins.names("metrics"):
        try:
            figures[name] = _metric(plugins.metric(name), seen)
        except UnavailableError as error:
            failures.append(str(error))
        except Exception as error:  # noqa: BLE001  # a metric may raise anything
            failures.append(f"metric '{name}' raised {cause(error)}")
    return figures, tuple(failures)


def _metric(module: MetricModule, seen: Observation) -> Metric:
    return Metric(
        value=_finite(module.compute(seen)),
        unit=module.UNIT,
        higher_is_better=module.HIGHER_IS_BETTER,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _relative(folder: Path, out: Path) -> str:
    return folder.relative_to(out).as_posix()
