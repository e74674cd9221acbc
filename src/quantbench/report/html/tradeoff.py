"""The one picture: score against the time of one sample, area bytes, and the front."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quantbench.report.html.parts import Figure, Key, keyed, legend, numbers
from quantbench.report.score_axis import ScoreAxis, bounds, frontier, score_axis
from quantbench.report.scores import made, score_heading, score_text
from quantbench.report.svg.frame import Axis
from quantbench.report.svg.marks import Series
from quantbench.report.svg.scatter import Dot, scatter
from quantbench.report.verdicts import row_verdict
from quantbench.report.words import joined, significant
from quantbench.results.records import Results
from quantbench.results.select import batch1


def tradeoff(results: Results) -> Figure | None:
    """The figure of all rows with a time and a score; None where there are none."""
    metric = results.metric
    axis = score_axis(results.rows, metric)
    series = keyed(sorted({row.runtime for row in results.rows}))
    dots = tuple(_dots(results, axis, series))
    if not dots:
        return None
    front = frontier([(dot.x, dot.y) for dot in dots], higher_is_better=metric.higher_is_better)
    low, high = axis.span(results.rows)
    spare = (0.16 if any(dot.beyond for dot in dots) else 0.0) * (high - low or 0.1)
    span = (low - spare, high) if metric.higher_is_better else (low, high + spare)
    steps = front if len(front) > 1 else []
    one = f"µs for 1 {results.sample}"
    return Figure(
        f"{metric.title[:1].upper()}{metric.title[1:]} against the time of one {results.sample}",
        _words(results, stepped=bool(steps)),
        partial(
            scatter,
            x=Axis(f"{one}, logarithmic", tuple(dot.x for dot in dots), log=True),
            y=Axis(score_heading(metric), span),
            dots=dots,
            front=steps,
            down=metric.higher_is_better,
        ),
        numbers(
            "tradeoff",
            ("row", one, metric.title, "low", "high", "bytes", "on the front"),
            (
                (
                    row.name, timed.median, row.score.value, row.score.low, row.score.high,
                    row.bytes, "yes" if row.pareto else "no",
                )
                for row in results.rows
                if (timed := batch1(row)) is not None and row.score is not None
            ),
        ),
        (*legend(series), Key("float32", Series("c6", "circle"), hollow=True)),
    )  # fmt: skip


def _words(results: Results, *, stepped: bool) -> str:
    metric = results.metric
    corner = "Upper left" if metric.higher_is_better else "Lower left"
    names = joined(row.name for row in results.rows if row.pareto)
    step = f" Stepped line: the best {metric.title} within a time." if stepped else ""
    return (
        f"{corner} is better. Area: bytes. Hollow: float32. Outlined: the Pareto front, which no "
        f"row beats in {metric.title}, time and bytes at once: {names}.{step} Faint: 95% "
        f"{made(results.rows)} intervals."
    )


def _dots(results: Results, axis: ScoreAxis, series: dict[str, Series]) -> Iterator[Dot]:
    largest = max((row.bytes for row in results.rows), default=1)
    named = _named(results)
    rows = sorted(results.rows, key=lambda row: (row.name not in named, not row.pareto))
    for row in rows:
        timed = batch1(row)
        if timed is None or row.score is None:
            continue
        low, high = map(axis.shown, bounds(row.score))
        yield Dot(
            timed.median,
            axis.shown(row.score.value),
            row.bytes / largest,
            series[row.runtime],
            f"{row.name}: {score_text(results.metric, row.score)}, {significant(timed.median)} µs, "
            f"{row.bytes:,} bytes, {row_verdict(results, row)}",
            low,
            high,
            row.name if row.name in named or row.pareto or axis.far(row) else "",
            hollow=row.kind == "float",
            rim=row.pareto,
            beyond=axis.far(row),
        )


def _named(results: Results) -> set[str]:
    """The rows that the answers name, which are the first to get a label."""
    chosen = (answer.ship or answer.smallest for answer in results.answers)
    return {
        *(choice.row for choice in chosen if choice is not None),
        *(answer.float32 for answer in results.answers),
    }
