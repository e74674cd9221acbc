"""The number formats of a row in a few letters, or in a few words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from quantbench.report.words import percent
from quantbench.results.records import Row

LEGEND = (
    "w8c: weights of 8 bits, a scale per channel (t: per tensor). a8u: activations of 8 bits, "
    "unsigned (s: signed; d: scaled at run time). f: share of multiply-adds left float."
)
_INTEGER = re.compile(r"(u?)int(\d+)")
_NARROWED = re.compile(r"\((\d+)(?: of \d+)? bits\)")


@dataclass(frozen=True)
class _Format:
    bits: str
    signs: tuple[str, ...]
    each: tuple[str, ...]
    at_run_time: bool


def coded(row: Row) -> str:
    """Such as "w8c a8u f97%"."""
    found = _formats(row)
    if found is None:
        return row.numerics
    weights, activations = found
    each = "".join(each[0] for each in weights.each)
    signs = "".join(sign[0] for sign in activations.signs)
    dynamic = "d" if activations.at_run_time else ""
    left = f" f{percent(row.coverage.float_share, 0)}" if row.coverage.float_macs else ""
    return f"w{weights.bits}{each} a{activations.bits}{signs}{dynamic}{left}"


def spelled(row: Row) -> str:
    """Such as "w8 per channel, a8 unsigned, 97% float"."""
    found = _formats(row)
    if found is None:
        return row.numerics
    weights, activations = found
    kinds = "dynamic" if activations.at_run_time else "/".join(activations.signs)
    parts = [f"w{weights.bits} per {'/'.join(weights.each)}", f"a{activations.bits} {kinds}"]
    if row.coverage.float_macs:
        parts.append(f"{percent(row.coverage.float_share, 0)} float")
    return ", ".join(parts)


def _formats(row: Row) -> tuple[_Format, _Format] | None:
    """Of weights and of activations; None for what isn't told in the usual words."""
    weights, comma, activations = row.numerics.removeprefix("weights ").partition(", activations ")
    found = (_format(weights), _format(activations))
    if not comma or found[0] is None or found[1] is None or not found[0].each:
        return None
    return found[0], found[1]


def _format(words: str) -> _Format | None:
    """One for each that "and" joins; a range narrowed to 7 bits stands behind in brackets."""
    bits: dict[str, None] = {}
    signs: dict[str, None] = {}
    each: dict[str, None] = {}
    for part in words.split(" and "):
        if (integer := _INTEGER.search(part)) is None:
            return None
        narrowed = _NARROWED.search(part)
        bits[(narrowed or integer)[1 if narrowed else 2]] = None
        signs["unsigned" if integer[1] else "signed"] = None
        each |= {name: None for name in ("channel", "tensor") if f"per {name}" in part}
    return _Format("/".join(bits), tuple(signs), tuple(each), "at run time" in words)
