"""Results of older schemas, brought to this one, version by version, before they are validated.

Version 1 told number formats in a sentence, such as "weights int8 per channel (7 bits) and int8 per
channel, activations uint8 scaled at run time", and called the format "state_dict" by the name of
its library. Version 2 knew of no metric but accuracy, and of no samples but images. Version 3 had
rounds of calls for blocks of slices, and no word for equivalence. Version 4 had no findings: a row
told of a runtime that answers unlike another in a note alone.

What isn't as a version wrote it stays as it is, for validation to name it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from statistics import median

from pydantic import JsonValue

from quantbench.numerics.formats import ALL_FLOAT32, Granularity, NumberFormat, Numerics
from quantbench.results.statistics import (
    NEWCOMBE,
    WILSON,
    mcnemar_verdict,
    paired_difference,
)

OLDEST = 1
_FORMATS = {"torch": "state_dict"}
_WEIGHTS = re.compile(r"(u?)int(\d{1,2}) per (channel|tensor)(?: \((\d{1,2}) bits\))?")
_ACTIVATIONS = re.compile(
    r"(u?)int(\d{1,2})(,? scaled at run time| at scale 1)?(?: \((\d{1,2})(?: of \d{1,2})? bits\))?"
)
_GRANULARITIES: dict[str, Granularity] = {"channel": "channel", "tensor": "tensor"}


_ACCURACY: dict[str, JsonValue] = {
    "name": "accuracy",
    "title": "accuracy",
    "unit": "fraction",
    "higher_is_better": True,
    "kind": "right_or_wrong",
    "margin": 0.0,
}
_Object = dict[str, JsonValue]


def upgraded(results: JsonValue, version: int) -> JsonValue:
    """The content of a results.json of schema `version`, as one of this schema.

    Raises ValueError for a sentence that version 1 didn't write.
    """
    if version < 2:
        results = _each_row(results, _row_of_1)
    if version < 3:
        results = _changed(_each_row(results, _row_of_2), _of_2)
    if version < 4:
        results = _changed(_each_row(results, _row_of_3), _of_3)
    return _changed(results, _of_4)


def _changed(value: JsonValue, change: Callable[[_Object], _Object]) -> JsonValue:
    return change(dict(value)) if isinstance(value, dict) else value


def _each_row(results: JsonValue, change: Callable[[_Object], _Object]) -> JsonValue:
    if not isinstance(results, dict) or not isinstance(results.get("rows"), list):
        return results
    rows = results["rows"]
    assert isinstance(rows, list)
    return {**results, "rows": [_changed(row, change) for row in rows]}


def _row_of_1(row: _Object) -> _Object:
    numerics, format = row.get("numerics"), row.get("format")
    if isinstance(numerics, str):
        row["numerics"] = numerics_of(numerics).model_dump(mode="json")
    if isinstance(format, str):
        row["format"] = _FORMATS.get(format, format)
    return row


def _of_2(results: _Object) -> _Object:
    answers = results.get("answers")
    if isinstance(answers, list):
        results["answers"] = [_changed(answer, _answer_of_2) for answer in answers]
    results.pop("checkpoint", None)
    return results | {
        "schema_version": 3,
        "sample": "image",
        "metric": _ACCURACY,
        "network_sha256": results.pop("checkpoint_sha256", None),
    }


def _row_of_2(row: _Object) -> _Object:
    """Counts, accuracy and loss become `samples`, `score` and two of the `metrics`."""
    images, correct = row.pop("images", None), row.pop("correct", None)
    accuracy, loss = row.pop("accuracy", None), row.pop("loss", None)
    reason, metrics = row.pop("loss_reason", None), row.get("metrics")
    row["samples"] = images
    row["score"] = _interval(accuracy, WILSON)
    if isinstance(metrics, dict):
        figures = {"output_difference" if n == "logit_difference" else n: v
                   for n, v in metrics.items()}  # fmt: skip
        value = accuracy.get("value") if isinstance(accuracy, dict) else None
        figures.setdefault("accuracy", _figure(value, None, "fraction", higher=True))
        figures["loss"] = _figure(loss, reason, "nats", higher=False)
        row["metrics"] = figures
    row["against_float"] = _changed(
        row.get("against_float"), lambda against: _against_of_2(against, images, correct)
    )
    return row


def _against_of_2(against: _Object, images: JsonValue, correct: JsonValue) -> _Object:
    """The difference's interval follows from the counts of samples, as it does today."""
    lost, gained = against.get("only_float_right"), against.get("only_this_right")
    p = against.pop("mcnemar_p", None)
    for name in ("loss_difference", "accuracy_difference"):
        against.pop(name, None)
    counts = [n for n in (images, correct, lost, gained) if type(n) is int]
    if len(counts) < 4 or not isinstance(p, float | int):
        return against
    total, right, only_float, only_this = counts
    both = right - only_this
    neither = total - both - only_float - only_this
    if min(both, neither, only_float, only_this) < 0 or not total:
        raise ValueError(f"counts of samples contradict one another: {counts}")
    difference = paired_difference(both, only_this, only_float, neither)
    return against | {
        "difference": difference.model_dump(mode="json"),
        "verdict": mcnemar_verdict(only_float, only_this, p),
        "p": p,
    }


def _answer_of_2(answer: _Object) -> _Object:
    for name in ("ship", "smallest"):
        answer[name] = _changed(answer.get(name), _choice_of_2)
    return answer


def _choice_of_2(choice: _Object) -> _Object:
    return choice | {"difference": _interval(choice.pop("accuracy", None), NEWCOMBE)}


def _row_of_3(row: _Object) -> _Object:
    """Rounds of calls become blocks of one slice each; verdicts get their present names."""
    row["latency"] = _each(row.get("latency"), _latency_of_3)
    row["against_fastest"] = _each(row.get("against_fastest"), _ratio_of_3)
    row["against_float"] = _changed(row.get("against_float"), _against_of_3)
    return row


def _against_of_3(against: _Object) -> _Object:
    verdict = against.get("verdict")
    return against | {
        "verdict": "not resolved" if verdict == "no difference shown" else verdict,
        "costs": verdict == "worse",
        "speed": _each(against.get("speed"), _ratio_of_3),
    }


def _of_3(results: _Object) -> _Object:
    if "answers" in results:
        results["answers"] = _each(results["answers"], _answer_of_3)
    reading = _changed(results.get("data_loading"), _latency_of_3)
    return results | {"schema_version": 4, "data_loading": reading}


def _of_4(results: _Object) -> _Object:
    return results | {"schema_version": 5}


def _answer_of_3(answer: _Object) -> _Object:
    for name in ("ship", "smallest"):
        answer[name] = _changed(answer.get(name), _choice_of_3)
    share = answer.get("share")
    if isinstance(share, dict):
        changed = {name: _changed(share.get(name), _ratio_of_3) for name in ("engine", "whole")}
        answer["share"] = share | changed
    return answer


def _choice_of_3(choice: _Object) -> _Object:
    return choice | {"speed": _changed(choice.get("speed"), _ratio_of_3)}


def _ratio_of_3(ratio: _Object) -> _Object:
    verdict = ratio.get("verdict")
    return ratio | {"verdict": "not resolved" if verdict == "not shown to differ" else verdict}


def _latency_of_3(latency: _Object) -> _Object:
    rounds = latency.pop("rounds", None)
    blocks = [_middle(calls) for calls in rounds] if isinstance(rounds, list) else rounds
    return latency | {"blocks": blocks}


def _middle(calls: JsonValue) -> JsonValue:
    """The median call of a round as its one slice."""
    if not isinstance(calls, list):
        return calls
    numbers = [call for call in calls if isinstance(call, int | float)]
    return [median(numbers)] if numbers and len(numbers) == len(calls) else calls


def _each(values: JsonValue, change: Callable[[_Object], _Object]) -> JsonValue:
    return [_changed(value, change) for value in values] if isinstance(values, list) else values


def _interval(value: JsonValue, how: str) -> JsonValue:
    return _changed(value, lambda interval: interval | {"how": how})


def _figure(value: JsonValue, reason: JsonValue, unit: str, *, higher: bool) -> _Object:
    return {"value": value, "unit": unit, "higher_is_better": higher, "reason": reason}


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
