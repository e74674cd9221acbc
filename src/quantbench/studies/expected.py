"""The float network's own metric, set against what the user says that it is."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.results.records import Interval
from quantbench.results.statistics import wilson
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.checks.splits import class_labels
from quantbench.tasks.records import Diagnostic


def float_figure(evidence: Evidence) -> Interval | None:
    """The share of right classes among the test samples looked at; None for other tasks."""
    labels, scores = class_labels(evidence.test), evidence.outputs[0]
    if evidence.task.metric != "accuracy" or labels is None or scores.ndim != 2:
        return None
    return wilson(int((scores.argmax(1) == labels).sum()), len(labels))


def unexpected(metric: str, figure: Interval, expected: float) -> Iterator[Diagnostic]:
    """The float network's figure isn't the expected one, by more than its interval."""
    if not figure.low <= expected <= figure.high:
        yield Diagnostic(
            code="unexpected-metric",
            sentence=f"{metric} of the float network is {figure.value:.4g} (95 % interval "
            f"{figure.low:.4g} to {figure.high:.4g}), where {expected:.4g} was expected",
            remedy="check weights, preparation of inputs, order of classes and test set; a study "
            "of a broken network says nothing",
        )
