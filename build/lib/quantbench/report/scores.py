"""Format scores of any metric: fractions in per cent, others with as many digits as they bear."""

from __future__ import annotations

import math
from collections.abc import Iterable

from quantbench.report.words import NONE, joined
from quantbench.results.records import Interval, MetricInfo, Row

WIDEST = 13
"""Characters that a column of a table has for the two bounds of an interval."""


def is_fraction(metric: MetricInfo) -> bool:
    """Whether figures are shown in per cent, and differences in points."""
    return metric.unit == "fraction"


def score_heading(metric: MetricInfo) -> str:
    """The metric's title with its unit: "accuracy %", "loss, nats"."""
    if is_fraction(metric):
        return f"{metric.title} %"
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def score_text(metric: MetricInfo, score: Interval | None) -> str:
    """The figure of a row, without its unit; NONE where it has none."""
    if score is None:
        return NONE
    return f"{100 * score.value:.2f}" if is_fraction(metric) else number(score.value, 4)


def bounds_text(metric: MetricInfo, score: Interval | None) -> str:
    """The bounds of a figure, "98.79–99.18", or "±" the farther one where that is too wide."""
    if score is None or score.low is None or score.high is None:
        return NONE
    if is_fraction(metric):
        return f"{100 * score.low:.2f}–{100 * score.high:.2f}"
    text = f"{number(score.low)}–{number(score.high)}"
    if score.low >= 0 and len(text) <= WIDEST:
        return text
    return f"±{number(max(score.high - score.value, score.value - score.low), 2)}"


def difference_text(metric: MetricInfo, difference: Interval | None) -> str:
    """A difference to float32 with its interval: "accuracy −0.05 points (95% interval ...".

    The bracket stays open, for a verdict to follow.
    """
    if difference is None:
        return f"{metric.title} unknown ("
    unit = "points" if is_fraction(metric) else metric.unit
    value = f"{metric.title} {signed(metric, difference.value)}{f' {unit}' if unit else ''}"
    if difference.low is None or difference.high is None:
        return f"{value} ({difference.how}, "
    low, high = signed(metric, difference.low), signed(metric, difference.high)
    return f"{value} (95% interval {low} to {high}, "


def difference_cells(metric: MetricInfo, difference: Interval | None) -> tuple[str, str]:
    """A difference to float32 and its bounds, in two cells."""
    if difference is None:
        return NONE, NONE
    value = signed(metric, difference.value)
    if difference.low is None or difference.high is None:
        return value, NONE
    return value, f"{signed(metric, difference.low)} to {signed(metric, difference.high)}"


def signed(metric: MetricInfo, value: float) -> str:
    """A difference with its sign, in points for a fraction: "+0.06", "−0.16", "0.00"."""
    if is_fraction(metric):
        text = f"{100 * value:+.2f}".replace("-", "−")
        return "0.00" if text in {"+0.00", "−0.00"} else text
    text = number(value, sign="+")
    return text.replace("-", "−", 1) if value < 0 else text


def number(value: float, digits: int = 3, sign: str = "") -> str:
    """A number with so many significant digits: 1,235 or 0.0123, or 1.23e-05 where that is short.

    `sign` is "+" where positive numbers shall have one.
    """
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if not -4 <= size < 6:
        return f"{value:{sign}.{digits - 1}e}"
    return f"{value:{sign},.{max(digits - 1 - size, 0)}f}"


def worse_words(metric: MetricInfo) -> str:
    """The words for being worse by the metric: "worse in accuracy"."""
    return f"worse in {metric.title}"


def amount_text(metric: MetricInfo, amount: float) -> str:
    """A difference of scores with its unit: "1 point", "0.1 points", "0.02 nats"."""
    if not is_fraction(metric):
        return f"{number(amount, 2)} {metric.unit}".rstrip()
    points = f"{100 * amount:g}"
    return f"{points} point{'' if points == '1' else 's'}"


def made(rows: Iterable[Row]) -> str:
    """The way in which intervals of scores were made: "Wilson"; NONE where there are none."""
    intervals = (row.score for row in rows if row.score is not None and row.score.low is not None)
    return joined(dict.fromkeys(interval.how.partition(",")[0] for interval in intervals))
