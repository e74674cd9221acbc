"""A bench for variants of one network: its samples, its metric, and what float32 answers."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quantbench import plugins
from quantbench.artifacts.onnx_file import checked
from quantbench.contracts import Files, Observation, QuantizeJob
from quantbench.errors import UnavailableError
from quantbench.explain.subject import Subject
from quantbench.export import torch_globals
from quantbench.export.to_onnx import MODEL
from quantbench.results.judge import judgements, kind_of
from quantbench.results.metric import Metric, Scored, metric_for, metric_named, scored
from quantbench.results.records import Interval, MetricKind
from quantbench.samples.records import Array, Arrays, Samples
from quantbench.system.progress import NO_PROGRESS
from quantbench.system.record import Settings
from quantbench.tasks.network import Network

FORMAT = "onnx"
MAX_BYTES = 2**32
"""The most bytes of outputs that all variants may write: they bound the number of samples."""


@dataclass(frozen=True)
class Bench:
    """Judges variants by the study's metric, over the same samples as float32."""

    metric: Metric
    targets: Array | None
    float_outputs: Arrays

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.float_outputs[0])

    def first(self, count: int) -> Bench:
        """The bench of the first samples alone."""
        return replace(
            self,
            targets=None if self.targets is None else self.targets[:count],
            float_outputs=tuple(output[:count] for output in self.float_outputs),
        )

    def scores(self, outputs: Sequence[Arrays]) -> list[Scored]:
        """The metric's figure of each variant. Raises UnavailableError where one has none."""
        scores = [scored(self.metric, self._seen(each)) for each in outputs]
        if reason := next((score.reason for score in scores if score.value is None), None):
            raise UnavailableError(reason)
        return scores

    def kind(self) -> MetricKind:
        """The kind of the metric's figures. Raises UnavailableError where float32 has none."""
        return kind_of(self.scores([self.float_outputs]))

    def differences(self, outputs: Sequence[Arrays], baselines: Sequence[int]) -> list[Interval]:
        """Each variant's score less that of its baseline, with a paired 95 % interval.

        `baselines`: the index of each one's baseline among `outputs`. Raises UnavailableError
        where a variant has no score.
        """
        seen = [self._seen(each) for each in outputs]
        judged = judgements(self.metric, self.scores(outputs), seen, baselines)
        return [row.difference for row in judged if row.difference is not None]

    def loss(self, outputs: Arrays) -> float:
        """The mean squared difference to float32's outputs over their variance.

        It is the mean over the outputs; an output that doesn't vary is taken as it is.
        """
        return float(
            np.mean(
                [
                    _squared(answer - expected) / (_squared(expected - expected.mean(0)) or 1.0)
                    for answer, expected in zip(outputs, self.float_outputs, strict=True)
                ]
            )
        )

    def _seen(self, outputs: Arrays) -> Observation:
        return Observation(outputs, self.float_outputs, self.targets, bytes=0)


def _squared(values: Array) -> float:
    return float(np.square(values, dtype=np.float64).mean())


def judging(subject: Subject, metric: Metric | None) -> Metric:
    """The metric of the study; `metric` where that is no plug-in.

    Raises UnavailableError for a metric that isn't known by its name.
    """
    name = subject.results.metric.name
    if metric is not None:
        return metric
    if name in plugins.names("metrics"):
        return metric_named(name)
    if subject.task.metric:
        return metric_for(subject.task)
    raise UnavailableError(
        f"metric '{name}' is a function of the study's own, and was not handed in again"
    )


def test_samples(subject: Subject, most: int | None, variants: int) -> Samples:
    """The test samples: at most `most`, and as many as the outputs of `variants` have room for."""
    sample = sum(spec.zeros(1).nbytes for spec in subject.task.network.outputs)
    room = max(MAX_BYTES // (sample * variants), 1)
    return subject.task.test.part(0, min(most or len(subject.task.test), room))


def settings_of(subject: Subject, method: str) -> Settings:
    """The settings that the study ran a method with; the method's defaults where it has no row."""
    kind = plugins.method(method).SETTINGS
    row = next((row for row in subject.results.rows if row.method == method), None)
    return kind() if row is None else kind.model_validate(row.settings)


def require_onnx(method: str) -> None:
    """Raise UnavailableError for a method that can't work here, or writes no ONNX."""
    if reason := plugins.why_unavailable("methods", method):
        raise UnavailableError(reason)
    if FORMAT not in plugins.method(method).FORMATS:
        raise UnavailableError(f"method '{method}' writes no ONNX, which ONNX Runtime would run")


def quantized(
    network: Network, calibration: Samples, method: str, settings: Settings, scratch: Path
) -> tuple[QuantizeJob[Settings], Files]:
    """Have a method write an ONNX file into a new folder below `scratch`.

    Returns what the method was given, and what it says of its files. Raises what the method does.
    """
    job = QuantizeJob(
        network=network,
        calibration=calibration,
        settings=settings,
        format=FORMAT,
        folder=Path(tempfile.mkdtemp(dir=scratch, prefix=method)),
        progress=NO_PROGRESS,
    )
    with torch_globals.restored():
        return job, plugins.method(method).quantize(job)


def model_in(folder: Path) -> bytes:
    """The ONNX model of an artifact's folder. Raises ArtifactError unless it is self-contained."""
    return checked(folder / MODEL).data
