"""The limit that a rule sets to a quantity: relative, a change, or a budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from quantbench.errors import UsageError
from quantbench.results.gate.rule import PERCENT, POINTS, UNITS, Dimension, Rule

_WRITE: dict[Dimension, str] = {
    "time": "10us or 2ms",
    "bytes": "64kB or 64KiB",
    "rate": "1000/s",
    "fraction": "99%",
    "number": "0.5, without a unit",
}


@dataclass(frozen=True)
class Limit:
    """A limit: of the change relative to A, of the change, or of B's figure.

    `value` is a share for "relative", else in the dimension's own unit.
    """

    kind: Literal["relative", "change", "budget"]
    value: float


def limit_of(rule: Rule, dimension: Dimension) -> Limit:
    """The limit that a rule sets. Raises UsageError for a unit that isn't the quantity's."""
    number = float(rule.number)
    signed = -number if rule.sign == "-" else number
    if rule.unit == PERCENT and rule.sign:
        return Limit("relative", signed / 100)
    if rule.unit == PERCENT and dimension != "fraction":
        raise UsageError(
            f"rule '{rule}': {rule.number:f}% of what? Write +{rule.number:f}% or "
            f"-{rule.number:f}% for a change against A"
        )
    if rule.unit in POINTS and not rule.sign:
        raise UsageError(f"rule '{rule}': points are of changes; write {rule.number:f}%")
    if not rule.unit:
        return _without_unit(rule, dimension, signed)
    unit_dimension, factor = UNITS[rule.unit]
    if unit_dimension != dimension:
        raise UsageError(
            f"rule '{rule}': {rule.quantity} isn't counted in {rule.unit}; write its threshold as "
            f"{_WRITE[dimension]}, or as +3% for a change against A"
        )
    return Limit("change" if rule.sign else "budget", signed * factor)


def _without_unit(rule: Rule, dimension: Dimension, signed: float) -> Limit:
    """A plain number is one of a plain quantity, a change in points, or nothing at all: +0."""
    kind: Literal["change", "budget"] = "change" if rule.sign else "budget"
    if dimension == "number" or (rule.sign and not rule.number):
        return Limit(kind, signed)
    if dimension == "fraction" and rule.sign:
        return Limit(kind, signed * UNITS[POINTS[0]][1])
    raise UsageError(
        f"rule '{rule}': the threshold has no unit; write it as {_WRITE[dimension]}, or as +3% for "
        "a change against A"
    )
