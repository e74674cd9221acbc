"""The preflight: what is wrong with a task, what can be done with it, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pydantic import Field
from torch import nn

from quantbench.errors import UsageError
from quantbench.results.metric import Metric, metric_for
from quantbench.results.records import Interval
from quantbench.studies.capabilities import Capability, capabilities
from quantbench.studies.choose import choose_methods, choose_runtimes
from quantbench.studies.estimate import Estimate, estimate
from quantbench.studies.expected import Figure, float_figure, metric_unusable, unexpected
from quantbench.studies.options import Options, Overrides
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.record import Record
from quantbench.tasks.checks import (
    finite,
    mode,
    outputs,
    preparation,
    shapes,
    shared,
    shift,
    splits,
)
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.forward import float_outputs
from quantbench.tasks.network import TensorSpec
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.records import Diagnostic, Layer
from quantbench.tasks.task import Task

Check = Callable[[Evidence], Iterator[Diagnostic]]

OF_SAMPLES: tuple[Check, ...] = (
    splits.no_samples,
    shapes.number_of_inputs,
    shapes.input_shapes,
    shapes.number_of_targets,
)
"""Checks that need no answers; the others begin where these stop nothing."""
OF_NETWORK: tuple[Check, ...] = (
    mode.train_mode,
    finite.weights_not_finite,
    finite.inputs_not_finite,
    preparation.inputs_unlike_training,
    preparation.inputs_of_bytes,
    shift.inputs_unlike,
    shared.shared_samples,
    shared.repeated_samples,
    splits.few_samples,
    splits.one_class,
    shapes.targets_missing,
)
OF_ANSWERS: tuple[Check, ...] = (
    finite.outputs_not_finite,
    shapes.labels_out_of_range,
    shapes.targets_unlike_outputs,
    outputs.integer_outputs,
    outputs.probabilities,
    outputs.constant_outputs,
)
_TIMED, _PASSES = 64, 3
"""Samples of the forward pass that is timed, and how often it is."""


class Preflight(Record):
    """The subject of a study and what is to be expected of it, found in seconds."""

    network: str
    data: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    samples: dict[str, int] = Field(description="split -> how many samples it has")
    diagnostics: tuple[Diagnostic, ...]
    layers: tuple[Layer, ...] = Field((), description="() where a diagnostic stops the study")
    metric: str
    float_figure: Interval | None = Field(None, description="the metric of the float network")
    capabilities: tuple[Capability, ...] = ()
    estimate: Estimate | None = None

    @property
    def stopped(self) -> bool:
        """Whether something has to be put right before anything can be measured."""
        return any(diagnostic.stops for diagnostic in self.diagnostics)

    def require(self) -> None:
        """Raise UsageError with the first thing that stops a study, if there is one."""
        for diagnostic in self.diagnostics:
            if diagnostic.stops:
                raise UsageError(f"{diagnostic.sentence}; {diagnostic.remedy}")


def check(
    task: Task,
    options: Options | None = None,
    overrides: Overrides | None = None,
    *,
    handed: nn.Module | None = None,
    metric: Metric | None = None,
    progress: Progress = NO_PROGRESS,
) -> Preflight:
    """Look at a task before a study of it with `options`; nothing is quantized or written.

    `handed`: the module as the user gave it, to say in which mode it was. `metric`: how rows are
    judged, where it isn't the task's. Raises UsageError for options that are wrong; what is wrong
    with the task is in the record.
    """
    options = options or Options()
    machine = environment()  # now: later its load would be this check's own
    evidence = Evidence(task, handed)
    with progress.waiting("the float network"):
        found, figure = _diagnosed(evidence, options.expect, metric)
        if any(diagnostic.stops for diagnostic in found):
            return _record(task, found)
        layers = network_layers(task.network)
        sample_seconds = _sample_seconds(evidence)
    methods = choose_methods(options.methods, overrides or {}, progress)
    runtimes = choose_runtimes(options.runtimes, progress)
    return _record(task, found).model_copy(
        update={
            "layers": layers,
            "float_figure": figure.score,
            "metric": (metric or metric_for(task)).name,
            "capabilities": capabilities(methods, runtimes, task.network, layers),
            "estimate": estimate(
                task, layers, methods, runtimes, options.schedule, options.threads,
                sample_seconds, machine,
            ),
        }
    )  # fmt: skip


def diagnose(
    task: Task, expect: float | None = None, metric: Metric | None = None
) -> tuple[Diagnostic, ...]:
    """Say what looks wrong with a task; `expect`: the float network's figure, where it is known.

    `metric` is how rows are judged, where it isn't the task's.
    """
    return _diagnosed(Evidence(task), expect, metric)[0]


def _diagnosed(
    evidence: Evidence, expect: float | None, judged_by: Metric | None
) -> tuple[tuple[Diagnostic, ...], Figure]:
    """Find what looks wrong, and the float network's figure where nothing stops it."""
    first = _run(OF_SAMPLES, evidence)
    if any(diagnostic.stops for diagnostic in first):
        return first, Figure(None)
    if (failure := _failure(evidence)) is not None:
        return (*first, failure), Figure(None)
    if evidence.network.untrained:
        return (*first, *_run(OF_NETWORK, evidence)), Figure(None)
    found = (*first, *_run((*OF_NETWORK, *OF_ANSWERS), evidence))
    try:
        metric = judged_by or metric_for(evidence.task)
    except UsageError as error:
        return (*found, _no_metric(error)), Figure(None)
    figure = float_figure(evidence, metric)
    found = (*found, *metric_unusable(figure))
    if expect is not None:
        found = (*found, *unexpected(metric, figure, expect))
    return found, figure


def _no_metric(error: UsageError) -> Diagnostic:
    sentence, _, remedy = str(error).partition("; ")
    return Diagnostic(
        code="no-metric",
        sentence=sentence,
        remedy=remedy,
        stops=True,
    )


def _run(checks: tuple[Check, ...], evidence: Evidence) -> tuple[Diagnostic, ...]:
    return tuple(found for check in checks for found in check(evidence))


def _failure(evidence: Evidence) -> Diagnostic | None:
    """The diagnostic that the network fails on its own samples, or None."""
    try:
        _ = evidence.outputs
    except UsageError as error:
        return Diagnostic(
            code="network-fails",
            sentence=str(error),
            remedy="run the network on one of these samples, and put right what fails",
            stops=True,
        )
    return None


def _sample_seconds(evidence: Evidence) -> float:
    """Seconds of one core for a sample in the float network: the least of a few passes over some.

    A pass loads the network as well, which is little beside what it saves to keep no state. The
    processor's time is taken: other programs and further threads don't count.
    """
    size = evidence.network.fixed_batch or _TIMED
    few = evidence.test.part(0, size)
    passes = []
    for _ in range(_PASSES):
        start = time.process_time()
        float_outputs(evidence.network, few, size)
        passes.append(time.process_time() - start)
    return min(passes) / len(few)


def _record(task: Task, diagnostics: tuple[Diagnostic, ...]) -> Preflight:
    return Preflight(
        network=task.name,
        data=task.data,
        inputs=task.network.inputs,
        outputs=task.network.outputs,
        samples={split.name: len(split) for split in task.splits},
        diagnostics=tuple(sorted(diagnostics, key=lambda diagnostic: not diagnostic.stops)),
        metric=task.metric,
    )
