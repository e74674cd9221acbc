"""The float network's own figure, set against what the user says that it is."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.contracts import Observation
from quantbench.results.judge import judgements
from quantbench.results.metric import metric_for, scored
from quantbench.results.records import Interval
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.records import Diagnostic


def float_figure(evidence: Evidence) -> Interval | None:
    """The float network's figure by the task's metric, over the test samples looked at.

    None where the metric doesn't apply. Raises UsageError where no metric is the obvious one.
    """
    metric = metric_for(evidence.task)
    outputs = evidence.outputs
    seen = Observation(outputs, outputs, evidence.test.targets, 0)
    (judged,) = judgements(metric, (scored(metric, seen),), (seen,), (0,))
    return judged.score


def unexpected(metric: str, figure: Interval, expected: float) -> Iterator[Diagnostic]:
    """The float network's figure isn't the expected one, by more than its interval."""
    if figure.low is None or figure.high is None or figure.low <= expected <= figure.high:
        return
    yield Diagnostic(
        code="unexpected-metric",
        sentence=f"{metric} of the float network is {figure.value:.4g} (95 % interval "
        f"{figure.low:.4g} to {figure.high:.4g}), where {expected:.4g} was expected",
        remedy="check weights, preparation of inputs, order of classes and test set; a study "
        "of a broken network says nothing",
    )
