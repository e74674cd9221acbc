"""Metrics ready for use: plug-ins and functions of the user's, by the same rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from inspect import isfunction
from typing import TypeAlias, cast

import numpy as np

from quantbench import plugins
from quantbench.contracts import (
    AgainstFloatMetricModule,
    MetricModule,
    Observation,
    PerSampleMetricModule,
    WholeSetMetricModule,
)
from quantbench.errors import UnavailableError, UsageError, cause
from quantbench.numerics.classes import shaped
from quantbench.numerics.deviations import trimmed
from quantbench.results.records import MetricInfo, MetricKind
from quantbench.samples.records import Array, Arrays
from quantbench.tasks.task import Task

Function: TypeAlias = Callable[..., object]
"""`function(outputs, targets)`: values [N], bool or float, or one figure of the whole set."""


@dataclass(frozen=True)
class Metric:
    """A metric: how rows are judged, or one of the figures beside that."""

    name: str
    title: str
    unit: str
    higher_is_better: bool
    margin: float
    """A row is called worse only where it is shown to fall short of float32 by more."""
    measure: Callable[[Observation], object]
    """The samples' values [N], bool or float, or the figure of the whole set."""
    equivalent: float | None = None
    """The difference below which two rows are equivalent; None for the default of its kind."""

    def within(self, margin: float | None) -> Metric:
        """The same metric with another margin of equivalence, in points where it is a fraction.

        None leaves the default.
        """
        if margin is None:
            return self
        return replace(self, equivalent=margin / 100 if self.unit == "fraction" else margin)

    def info(self, kind: MetricKind, equivalence: float = 0.0) -> MetricInfo:
        """The metric's record in results.json."""
        return MetricInfo(
            name=self.name,
            title=self.title,
            unit=self.unit,
            higher_is_better=self.higher_is_better,
            kind=kind,
            margin=self.margin,
            equivalence=max(equivalence, self.margin),
        )


@dataclass(frozen=True)
class Scored:
    """The figure of one metric for one row: `value`, or the `reason` why there is none."""

    value: float | None
    values: Array | None = None
    """The values of the samples, bool [N] or float64 [N]; None for a metric of the whole set."""
    reason: str | None = None
    raised: bool = False
    """The metric failed, rather than that it doesn't apply to such outputs or targets."""

    @property
    def kind(self) -> MetricKind:
        """The kind of the figure, which says what statistics apply to it."""
        if self.values is None:
            return "whole_set"
        return "right_or_wrong" if self.values.dtype == np.bool_ else "per_sample"


def metric_named(name: str) -> Metric:
    """The metric plug-in called `name`. Raises UnknownNameError or UnavailableError."""
    if reason := plugins.why_unavailable("metrics", name):
        raise UnavailableError(reason)
    module = plugins.metric(name)
    optional = vars(module)
    return Metric(
        name=name,
        title=str(optional.get("TITLE", name.replace("_", " "))),
        unit=module.UNIT,
        higher_is_better=module.HIGHER_IS_BETTER,
        margin=float(optional.get("MARGIN", 0)),
        measure=_measure(module, optional.get("OUTPUT", 0)),
    )


def metric_of(
    function: Function,
    *,
    name: str = "",
    title: str = "",
    unit: str = "",
    higher_is_better: bool = True,
) -> Metric:
    """A metric from a function of the user's, `function(outputs, targets)`.

    It gets the outputs as a network's caller does: an array [N, ...], or a tuple of them where
    there are several; targets are None where the samples have none. It returns an array [N], bool
    for right or wrong, else float, whose mean is the figure; or one float for the whole set.
    Raises UsageError for a function without a name, where none is given.
    """
    name = name or (function.__name__ if isfunction(function) else "")
    if not name.isidentifier():
        raise UsageError("the metric has no name; define it by def my_metric(outputs, targets)")
    return Metric(
        name=name,
        title=title or name.replace("_", " "),
        unit=unit,
        higher_is_better=higher_is_better,
        margin=0.0,
        measure=lambda seen: function(_as_predicted(seen.outputs), seen.targets),
    )


def metric_for(task: Task) -> Metric:
    """The metric that the task names, or the default one for its outputs and targets, with the
    task's margin.

    Raises UnknownNameError, UnavailableError, or UsageError as `default_metric` does.
    """
    if task.metric:
        return metric_named(task.metric).within(task.margin)
    outputs = tuple(spec.zeros(1) for spec in task.network.outputs)
    return metric_named(default_metric(outputs, task.test.targets)).within(task.margin)


def default_metric(outputs: Arrays, targets: Array | None) -> str:
    """The name of the metric for such outputs and targets, where the user names none.

    `outputs` holds one array [N, ...] for each output of the network; only the shapes without N
    matter. Raises UsageError, which says what to choose, where it isn't clear.
    """
    first, single = outputs[0], len(outputs) == 1
    has_classes = first.ndim >= 2 and first.shape[1] > 1
    if targets is None:
        return "agreement" if single and has_classes else "relative_difference"
    by_class = targets.shape[1:] in {first.shape[2:], (1,)}
    if single and has_classes and by_class and targets.dtype.kind in "biu":
        return "accuracy"
    if single and targets.dtype.kind == "f" and trimmed(targets)[1:] == trimmed(first)[1:]:
        return "mean_squared_error"
    shapes = " and ".join(shaped(output) for output in outputs)
    raise UsageError(
        f"no metric is the obvious one for outputs {shapes} and targets {shaped(targets)} "
        f"({targets.dtype}); choose one: {', '.join(plugins.names('metrics'))}, or a function "
        "metric(outputs, targets) of your own"
    )


def scored(metric: Metric, seen: Observation) -> Scored:
    """The metric's figure for a row; a metric that fails costs its figure only."""
    try:
        return _scored(metric, seen)
    except UnavailableError as error:
        return Scored(None, reason=f"metric '{metric.name}': {error}")
    except Exception as error:  # noqa: BLE001  # a metric may raise anything
        return Scored(None, reason=f"metric '{metric.name}' raised {cause(error)}", raised=True)


def _scored(metric: Metric, seen: Observation) -> Scored:
    figure = metric.measure(seen)
    array = np.asarray(figure)
    samples = len(seen.outputs[0])
    if array.dtype.kind not in "biuf" or array.shape not in {(), (samples,)}:
        raise UnavailableError(
            f"it gave {type(figure).__name__} {list(array.shape)} of {array.dtype} where a number "
            f"for each of {samples} samples, or one for all, was due"
        )
    values = None if array.shape == () else array
    if values is not None and values.dtype != np.bool_:
        values = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        value = float(array) if values is None else float(values.mean())
    if not math.isfinite(value):
        return Scored(None, values, f"metric '{metric.name}' isn't finite for these outputs")
    return Scored(value, values)


def _measure(module: MetricModule, output: int | None) -> Callable[[Observation], object]:
    """The one of METRIC_FUNCTIONS that a metric plug-in defines, as a function of all it sees."""
    defined = vars(module)
    if "compute" in defined:
        return cast(WholeSetMetricModule, module).compute
    if "per_sample_against_float" in defined:
        against = cast(AgainstFloatMetricModule, module).per_sample_against_float
        return lambda seen: against(
            _chosen(seen.outputs, output), _chosen(seen.float_outputs, output)
        )
    by_sample = cast(PerSampleMetricModule, module).per_sample

    def measure(seen: Observation) -> Array:
        if seen.targets is None:
            raise UnavailableError("needs targets, and the test samples have none")
        return by_sample(_chosen(seen.outputs, output), seen.targets)

    return measure


def _chosen(outputs: Arrays, output: int | None) -> Array:
    """The output that a metric reads; all of them for None, which its module's types allow."""
    if output is None:
        return cast(Array, outputs)
    if output >= len(outputs):
        raise UnavailableError(f"reads output {output}, but the network has {len(outputs)}")
    return outputs[output]


def _as_predicted(outputs: Arrays) -> Array | Arrays:
    return outputs[0] if len(outputs) == 1 else outputs
