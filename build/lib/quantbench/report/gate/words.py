"""Sentences on rules that were judged, the same in every output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from quantbench.report.scores import number
from quantbench.report.words import NONE, count, percent, significant
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged
from quantbench.results.gate.rule import Dimension

_TIMES = ((1e6, "s"), (1e3, "ms"), (1.0, "µs"))


def case_name(judged: Judged) -> str:
    """The rule with the row that it was judged for: "latency[ort_static on c99] > +3%"."""
    return str(replace(judged.rule, row=judged.row)) if judged.row else str(judged.rule)


def sentence(judged: Judged) -> str:
    """The figures, what the limit is about, and why it isn't resolved."""
    figures = (
        f"{file} {figure(judged.dimension, value)}"
        for file, value in (("A", judged.a), ("B", judged.b))
        if value is not None
    )
    parts = (*figures, estimate_text(judged))
    return "; ".join(filter(None, (", ".join(filter(None, parts)), judged.reason)))


def estimate_text(judged: Judged) -> str:
    """The change, or what is known of B's figure, with its interval; "" where nothing is."""
    estimate = judged.estimate
    if estimate is None or (judged.limit.kind == "budget" and estimate.is_exact):
        return ""
    bounds = f"95% interval {_shown(judged, estimate.low)} to {_shown(judged, estimate.high)}"
    if judged.limit.kind == "budget":
        return bounds
    value = _shown(judged, estimate.value)
    return value if estimate.is_exact else f"{value} ({bounds})"


def summary(judged: Sequence[Judged]) -> str:
    """The number of checks by their outcomes: "3 checks: 1 pass, 1 fail, 1 not resolved"."""
    counts = {outcome: sum(x.outcome is outcome for x in judged) for outcome in Outcome}
    told = ", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number)
    return f"{count(len(judged), 'check')}: {told}"


def figure(dimension: Dimension, value: float | None) -> str:
    """A figure with its unit."""
    if value is None:
        return NONE
    match dimension:
        case "time":
            size, unit = next((x for x in _TIMES if abs(value) >= x[0]), _TIMES[-1])
            return f"{significant(value / size)} {unit}"
        case "bytes":
            return f"{value:,.0f} bytes"
        case "rate":
            return f"{significant(value)}/s"
        case "fraction":
            return percent(value, 2)
        case "number":
            return number(value, 4)


def _shown(judged: Judged, value: float) -> str:
    if judged.limit.kind == "budget":
        return figure(judged.dimension, value)
    if judged.limit.kind == "relative":
        return f"{_sign(value)}{significant(100 * abs(value))}%"
    if judged.dimension == "fraction":
        return f"{_sign(value)}{100 * abs(value):.2f} points"
    return f"{_sign(value)}{figure(judged.dimension, abs(value))}"


def _sign(value: float) -> str:
    return "−" if value < 0 else "+"
