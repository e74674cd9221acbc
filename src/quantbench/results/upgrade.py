"""Results of older schemas, brought to this one before they are validated.

Only version 1 is older. It told number formats in a sentence, such as "weights int8 per channel
(7 bits) and int8 per channel, activations uint8 scaled at run time", and called the format
"state_dict" by the name of its library.
"""

from __future__ import annotations

import re

from pydantic import JsonValue

from quantbench.numerics.formats import ALL_FLOAT32, Granularity, NumberFormat, Numerics

OLDEST = 1
_FORMATS = {"torch": "state_dict"}
_WEIGHTS = re.compile(r"(u?)int(\d{1,2}) per (channel|tensor)(?: \((\d{1,2}) bits\))?")
_ACTIVATIONS = re.compile(
    r"(u?)int(\d{1,2})(,? scaled at run time| at scale 1)?(?: \((\d{1,2})(?: of \d{1,2})? bits\))?"
)
_GRANULARITIES: dict[str, Granularity] = {"channel": "channel", "tensor": "tensor"}


def from_version_1(results: JsonValue) -> JsonValue:
    """The content of a results.json of schema 1 as one of schema 2.

    What isn't as version 1 wrote it stays as it is, for validation to name it. Raises ValueError
    for a sentence that version 1 didn't write.
    """
    if not isinstance(results, dict):
        return results
    rows = results.get("rows")
    if isinstance(rows, list):
        rows = [_row(row) for row in rows]
    return {**results, "schema_version": 2, "rows": rows}


def _row(row: JsonValue) -> JsonValue:
    if not isinstance(row, dict):
        return row
    numerics, format = row.get("numerics"), row.get("format")
    upgraded = dict(row)
    if isinstance(numerics, str):
        upgraded["numerics"] = numerics_of(numerics).model_dump(mode="json")
    if isinstance(format, str):
        upgraded["format"] = _FORMATS.get(format, format)
    return upgraded


def numerics_of(sentence: str) -> Numerics:
    """The formats that a sentence of version 1 names. Raises ValueError for another text.

    What no sentence told (axis, symmetry) is None.
    """
    if sentence == "float32":
        return ALL_FLOAT32
    weights, comma, activations = sentence.removeprefix("weights ").partition(", activations ")
    if not comma:
        raise ValueError(f"numerics '{sentence[:80]}' name no number formats")
    return Numerics(
        weights=tuple(map(_weights, weights.split(" and "))),
        activations=tuple(map(_activations, activations.split(" and "))),
    )


def _weights(words: str) -> NumberFormat:
    match = _matched(_WEIGHTS, words)
    return NumberFormat(
        signed=not match[1],
        bits=int(match[2]),
        granularity=_GRANULARITIES[match[3]],
        used_bits=int(match[4]) if match[4] else None,
    )


def _activations(words: str) -> NumberFormat:
    match = _matched(_ACTIVATIONS, words)
    scaling = match[3] or ""
    return NumberFormat(
        signed=not match[1],
        bits=int(match[2]),
        scaling="dynamic" if "run time" in scaling else "unit" if scaling else "static",
        used_bits=int(match[4]) if match[4] else None,
    )


def _matched(pattern: re.Pattern[str], words: str) -> re.Match[str]:
    match = pattern.fullmatch(words)
    if match is None:
        raise ValueError(f"'{words[:80]}' is no number format")
    return match
