"""Rules such as `latency > +3%`: read from text and printed as text.

    rule      = quantity [ "@" batch ] [ "[" row "]" ] ( "<" | ">" ) threshold
    threshold = [ "+" | "-" ] number [ unit ]

A rule says when a check fails. A threshold with a sign is about the change from A to B: relative in
per cent, else in the quantity's unit. One without a sign is a budget of B alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from quantbench.errors import UnknownNameError, UsageError

Dimension = Literal["time", "bytes", "rate", "fraction", "number"]
"""The kinds of quantities; in microseconds, bytes, samples a second, shares of 1, or plain."""

PERCENT = "%"
POINTS = ("points", "pp")
UNITS: dict[str, tuple[Dimension, float]] = {
    "ns": ("time", 1e-3),
    "us": ("time", 1.0),
    "µs": ("time", 1.0),
    "μs": ("time", 1.0),  # the Greek letter in place of the micro sign
    "ms": ("time", 1e3),
    "s": ("time", 1e6),
    "B": ("bytes", 1.0),
    "kB": ("bytes", 1e3),
    "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9),
    "KiB": ("bytes", 2.0**10),
    "MiB": ("bytes", 2.0**20),
    "GiB": ("bytes", 2.0**30),
    "/s": ("rate", 1.0),
    PERCENT: ("fraction", 0.01),
    **dict.fromkeys(POINTS, ("fraction", 0.01)),
}
"""Unit -> its dimension, and how many of the dimension's own unit it is."""

EXAMPLES = "'latency > +3%', 'accuracy < -0.1' or 'flash > 64kB'"
_MOST_LETTERS = 200
_RULE = re.compile(
    r"(?P<quantity>[A-Za-z_]\w*)(?:\s*@\s*(?P<batch>[1-9][0-9]{0,8}))?"
    r"(?:\s*\[(?P<row>[^\[\]]*)\])?\s*(?P<sign>[<>])(?P<threshold>.*)",
    re.ASCII,
)
THRESHOLD = re.compile(r"(?P<sign>[+-]?)\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>.*)", re.ASCII)
"""A number with its sign and its unit, which may be missing."""


@dataclass(frozen=True)
class Rule:
    """A condition under which a check fails: the quantity is above, or below, a threshold."""

    quantity: str
    above: bool
    sign: Literal["", "+", "-"]
    """The sign of the threshold; "" for a budget."""
    number: Decimal
    """The threshold without its sign, in `unit`."""
    unit: str = ""
    batch: int | None = None
    row: str | None = None
    """A row's name, such as "ort_static on c99", or a pattern with `*`; None: the shipped row."""

    def __str__(self) -> str:
        """The rule as text, which `parse_rule` reads back."""
        batch = "" if self.batch is None else f"@{self.batch}"
        row = "" if self.row is None else f"[{self.row}]"
        gap = " " if self.unit in POINTS else ""
        threshold = f"{self.sign}{self.number:f}{gap}{self.unit}"
        return f"{self.quantity}{batch}{row} {'>' if self.above else '<'} {threshold}"


def parse_rule(text: str) -> Rule:
    """Read a rule. Raises UsageError, which quotes it and says what is wrong with it.

    Whether there is such a quantity, and whether the unit is one of its own, is seen when the rule
    is judged: the files say by which metrics they can be.
    """
    if len(text) > _MOST_LETTERS:
        raise UsageError(f"a rule of {len(text):,} letters; write one like {EXAMPLES}")
    found = _RULE.fullmatch(text.strip())
    if found is None:
        lacks = "" if re.search("[<>]", text) else " has neither < nor >;"
        raise UsageError(f"rule '{text}'{lacks or ' is none;'} write it like {EXAMPLES}")
    threshold = THRESHOLD.fullmatch(found["threshold"].strip())
    if threshold is None:
        raise UsageError(
            f"rule '{text}' has no number after {found['sign']}; write it like {EXAMPLES}"
        )
    unit = threshold["unit"]
    if unit and unit not in UNITS:
        raise UnknownNameError("unit", unit, UNITS, f"rule '{text}'")
    return Rule(
        quantity=found["quantity"],
        above=found["sign"] == ">",
        sign=_SIGNS[threshold["sign"]],
        number=Decimal(threshold["number"]),
        unit=unit,
        batch=int(found["batch"]) if found["batch"] else None,
        row=None if found["row"] is None else " ".join(found["row"].split()),
    )


_SIGNS: dict[str, Literal["", "+", "-"]] = {"": "", "+": "+", "-": "-"}
