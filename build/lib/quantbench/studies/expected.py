"""The float network's own metric, set against what the user says that it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from quantbench.contracts import Observation
from quantbench.results.judge import judgements
from quantbench.results.metric import Metric, scored
from quantbench.results.records import Interval
from quantbench.tasks.checks.evidence import Evidence
from quantbench.tasks.records import Diagnostic


@dataclass(frozen=True)
class Figure:
    """The metric of the float network with its interval, or the `reason` why there is none."""

    score: Interval | None
    reason: str | None = None


def float_figure(evidence: Evidence, metric: Metric) -> Figure:
    """The metric of the float network over the test samples looked at."""
    seen = Observation(
        outputs=evidence.outputs,
        float_outputs=evidence.outputs,
        targets=evidence.test.targets,
        bytes=0,
    )
    figure = scored(metric, seen)
    if figure.value is None:
        return Figure(None, figure.reason)
    return Figure(judgements(metric, (figure,), (seen,), (0,))[0].score)


def metric_unusable(figure: Figure) -> Iterator[Diagnostic]:
    """The metric has no figure for such outputs and targets."""
    if figure.score is None and figure.reason is not None:
        yield Diagnostic(
            code="metric-unusable",
            sentence=f"{figure.reason}",
            remedy="choose a metric that suits the network's outputs and the targets: --metric",
        )


def unexpected(metric: Metric, figure: Figure, expected: float) -> Iterator[Diagnostic]:
    """The float network's figure isn't the expected one, by more than its interval."""
    score = figure.score
    if score is None or score.low is None or score.high is None:
        return
    if not score.low <= expected <= score.high:
        yield Diagnostic(
            code="unexpected-metric",
            sentence=f"{metric.title} of the float network is {score.value:.4g} (95 % interval "
            f"{score.low:.4g} to {score.high:.4g}), where {expected:.4g} was expected",
            remedy="check weights, preparation of inputs, order of classes and test set; a study "
            "of a broken network says nothing",
        )
