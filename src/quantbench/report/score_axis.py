"""The axis of scores: in per cent for fractions, with rows that are far worse at its edge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from quantbench.report.scores import is_fraction
from quantbench.results.records import Interval, MetricInfo, Row

HALF_WIDTHS = 10
"""Half interval widths on the worse side of the best score, beyond which a row is at the edge."""


@dataclass(frozen=True)
class ScoreAxis:
    """The scale of an axis of scores."""

    metric: MetricInfo
    limit: float
    """A score worse than this lies at the edge; infinite, on the worse side, for no limit."""

    def far(self, row: Row) -> bool:
        """Whether a row is so much worse than the best that it would squeeze the others."""
        if row.score is None:
            return False
        return (
            row.score.value < self.limit
            if self.metric.higher_is_better
            else row.score.value > self.limit
        )

    def shown(self, value: float) -> float:
        """A score as the axis shows it."""
        return 100 * value if is_fraction(self.metric) else value

    def span(self, rows: Sequence[Row]) -> tuple[float, float]:
        """The least and the greatest bound of the rows that aren't far off, as the axis shows."""
        ends = [
            self.shown(end)
            for row in rows
            if row.score is not None and not self.far(row)
            for end in bounds(row.score)
        ]
        return (min(ends), max(ends)) if ends else (0.0, self.shown(1.0))


def score_axis(rows: Sequence[Row], metric: MetricInfo) -> ScoreAxis:
    """The axis for these rows, without a limit where most rows would lie beyond it."""
    sign = 1 if metric.higher_is_better else -1
    none = ScoreAxis(metric, -sign * math.inf)
    scores = [row.score for row in rows if row.score is not None]
    best = max(scores, key=lambda score: sign * score.value, default=None)
    if best is None:
        return none
    low, high = bounds(best)
    half = best.value - low if metric.higher_is_better else high - best.value
    axis = ScoreAxis(metric, best.value - sign * HALF_WIDTHS * half)
    beyond = sum(axis.far(row) for row in rows)
    return axis if half and 2 * beyond <= len(rows) else none


def bounds(score: Interval) -> tuple[float, float]:
    """The bounds of a score; the score itself where it has no interval."""
    if score.low is None or score.high is None:
        return score.value, score.value
    return score.low, score.high


def frontier(
    points: Sequence[tuple[float, float]], *, higher_is_better: bool
) -> list[tuple[float, float]]:
    """The (time, score) points better than all faster points, from fast to slow."""
    sign = 1 if higher_is_better else -1
    steps: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -sign * point[1])):
        if not steps or sign * y > sign * steps[-1][1]:
            steps.append((x, y))
    return steps
