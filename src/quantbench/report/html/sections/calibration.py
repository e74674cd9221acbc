"""The score against the number of calibration samples."""

from __future__ import annotations

from functools import partial

from quantbench.explain.records import Calibration
from quantbench.report.html.parts import (
    Figure,
    Part,
    Report,
    Section,
    Words,
    keyed,
    legend,
    numbers,
)
from quantbench.report.scores import is_fraction, score_heading
from quantbench.report.svg.frame import Axis
from quantbench.report.svg.lines import Line, lines
from quantbench.report.words import count
from quantbench.results.records import MetricInfo

_TITLE = "How many samples calibration needs"


def section(report: Report) -> Section | None:
    """The section of the calibration curves; None without an explanation of it."""
    explanation = report.explanation
    if explanation is None or not explanation.calibration:
        return None
    metric = report.results.metric
    parts: list[Part] = []
    for each in explanation.calibration:
        parts.append(_figure(each, metric))
        parts.extend(map(Words, each.notes))
    return Section("calibration", _TITLE, tuple(parts))


def _figure(each: Calibration, metric: MetricInfo) -> Figure:
    unit = 100.0 if is_fraction(metric) else 1.0
    series = keyed([point.observer for point in each.points])
    drawn = []
    for observer, kind in series.items():
        points = sorted(
            (point for point in each.points if point.observer == observer),
            key=lambda point: point.samples,
        )
        drawn.append(
            Line(
                tuple((float(point.samples), unit * point.mean) for point in points),
                kind,
                observer,
                band=tuple((unit * point.low, unit * point.high) for point in points),
            )
        )
    samples = tuple(sorted({float(point.samples) for point in each.points}))
    scores = tuple(
        unit * value for point in each.points for value in (point.low, point.mean, point.high)
    )
    draws = max((point.draws for point in each.points), default=0)
    enough = (
        f"{count(each.enough, 'sample')} {'is' if each.enough == 1 else 'are'} enough."
        if each.enough
        else "More samples than these may still help."
    )
    return Figure(
        f"{each.method}: {score_heading(metric)} against calibration samples",
        f"{enough} The band is the spread over {count(draws, 'draw')}.",
        partial(
            lines,
            x=Axis("calibration samples", samples, log=True, ticks=samples),
            y=Axis(score_heading(metric), scores),
            drawn=tuple(drawn),
        ),
        numbers(
            f"calibration-{each.method}",
            ("observer", "samples", "mean", "low", "high", "draws"),
            ((x.observer, x.samples, x.mean, x.low, x.high, x.draws) for x in each.points),
        ),
        legend(series),
    )
