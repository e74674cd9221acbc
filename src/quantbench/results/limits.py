"""The limits that a row to ship has to keep, read from text with units as the rules of a gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from quantbench.errors import UsageError
from quantbench.results.gate.rule import PERCENT, POINTS, THRESHOLD, UNITS, Dimension
from quantbench.results.records import MetricInfo

MINIMIZE = ("latency", "size", "drop")
"""The quantities that can be minimized."""
Amount = float | int | str
"""A number in the quantity's own unit, or a text with a unit: "80kB", "50us", "0.1"."""


@dataclass(frozen=True)
class Drop:
    """The most that a score may be worse than float32's: in the metric's unit, or as a share."""

    value: float
    relative: bool = False

    def of(self, float_score: float) -> float:
        """The limit in the metric's unit, beside a float32 of this score."""
        return self.value * abs(float_score) if self.relative else self.value


@dataclass(frozen=True)
class Limits:
    """The limits of a row, and what is minimized among those that keep them; None: no limit.

    `max_size` is in bytes, `max_latency` in microseconds a sample at `batch`, or at the smallest
    batch where that is None.
    """

    max_drop: Drop | None = None
    max_size: float | None = None
    max_latency: float | None = None
    minimize: str = "latency"
    batch: int | None = None


def limits(
    metric: MetricInfo,
    *,
    max_drop: Amount | None = None,
    max_size: Amount | None = None,
    max_latency: Amount | None = None,
    minimize: str = "latency",
    batch: int | None = None,
) -> Limits:
    """Read limits. Raises UsageError, which names the option and how to write its value.

    A plain number stands for bytes, for microseconds, and for a drop in points where the metric is
    a fraction, else in its own unit; "5%" of a drop is relative to float32's score. As text, sizes
    and times need a unit.
    """
    if minimize not in MINIMIZE:
        raise UsageError(f"--minimize '{minimize}': write one of {', '.join(MINIMIZE)}")
    if batch is not None and batch < 1:
        raise UsageError(f"--batch {batch}: a batch has 1 sample at least")
    return Limits(
        max_drop=None if max_drop is None else _drop(max_drop, metric),
        max_size=_amount("--max-size", max_size, "bytes", "80kB or 64KiB"),
        max_latency=_amount("--max-latency", max_latency, "time", "50us or 2ms"),
        minimize=minimize,
        batch=batch,
    )


def _amount(option: str, given: Amount | None, dimension: Dimension, example: str) -> float | None:
    if given is None:
        return None
    number, unit = _number(option, given, example)
    if not isinstance(given, str):
        return number
    known, factor = UNITS.get(unit, ("", 1.0))
    if known != dimension:
        raise UsageError(f"{option} '{given}': write it with its unit, as {example}")
    return number * factor


def _drop(given: Amount, metric: MetricInfo) -> Drop:
    is_fraction = metric.unit == "fraction"
    example = "0.1, in points of a hundred, or 1%" if is_fraction else "0.1, or 1%"
    number, unit = _number("--max-drop", given, example)
    if unit == PERCENT:
        return Drop(number / 100, relative=True)
    if unit and not (is_fraction and unit in POINTS):
        raise UsageError(f"--max-drop '{given}': write it as {example}")
    return Drop(number * UNITS[POINTS[0]][1] if is_fraction else number)


def _number(option: str, given: Amount, example: str) -> tuple[float, str]:
    """The number and the unit of a value."""
    if isinstance(given, float | int) and math.isfinite(given) and given >= 0:
        return float(given), ""
    match = THRESHOLD.fullmatch(str(given).strip()[:200])
    if match is None or match["sign"]:
        raise UsageError(f"{option} '{given}': write it as {example}")
    return float(match["number"]), match["unit"]
