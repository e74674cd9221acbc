"""The sections of an explanation: each finds out one part of it, and one that fails costs itself.

To add one, write a function that returns an Explanation with the fields that it fills, and name it
in SECTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from quantbench.errors import QuantbenchError, UnknownNameError, cause
from quantbench.explain.calibration import calibration
from quantbench.explain.disagreement import disagreements
from quantbench.explain.judge import judge
from quantbench.explain.layer_error import errors_by_layer
from quantbench.explain.other_cpu import predictions
from quantbench.explain.peaks import measured_peaks
from quantbench.explain.ran import as_profiled, layers_ran
from quantbench.explain.records import Explanation, Prediction
from quantbench.explain.sensitivity import sensitivity
from quantbench.explain.subject import Subject
from quantbench.explain.taken_apart import taken_apart
from quantbench.explain.telling import telling_rows
from quantbench.explain.time_split import time_splits
from quantbench.results.metric import Metric

_SECONDS = 10.0
"""Seconds for sensitivity, and for calibration, each beyond its first quantization: LeNet's whole
explanation takes a minute at most."""


@dataclass(frozen=True)
class Asked:
    """The wishes of the user: which rows are looked into, and for which drop."""

    rows: tuple[str, ...] | None = None
    """Names of the rows that are looked into; None: each section's own choice."""
    max_drop: float | None = None
    """How far the score may fall, in points where the metric is a fraction: the layers to leave
    float for that are looked for. None: they aren't."""
    predict_on: str | None = None
    """The set of kernels for which times of the generated C are predicted: "avx2"."""
    metric: Metric | None = None
    """How rows are judged, where it is no plug-in."""


Make = Callable[[Subject, Asked], Explanation]


@dataclass(frozen=True)
class Section:
    """A part of an explanation, by the name that selects it."""

    name: str
    title: str
    make: Make


def _layers(subject: Subject, asked: Asked) -> Explanation:
    return _part(ran=layers_ran(subject, asked.rows))


def _time(subject: Subject, asked: Asked) -> Explanation:
    peaks, notes = None, tuple[str, ...]()
    try:
        peaks = measured_peaks()
    except QuantbenchError as error:  # rows are split all the same, without limits
        notes = (f"peaks of this CPU: {error}",)
    times, unsplit = time_splits(subject, _rows(subject, asked), peaks)
    predicted = tuple[Prediction, ...]()
    if asked.predict_on is not None:
        try:
            predicted = predictions(subject, times, asked.predict_on)
        except QuantbenchError as error:
            notes = (f"prediction: {error}",)
    return _part(peaks=peaks, times=times, unsplit=unsplit, predictions=predicted, notes=notes)


def _errors(subject: Subject, asked: Asked) -> Explanation:
    return _part(errors=errors_by_layer(subject, _rows(subject, asked)))


def _rows(subject: Subject, asked: Asked) -> tuple[str, ...]:
    return telling_rows(subject.results) if asked.rows is None else asked.rows


def _disagreement(subject: Subject, asked: Asked) -> Explanation:  # noqa: ARG001
    return _part(disagreement=disagreements(subject))


def _sensitivity(subject: Subject, asked: Asked) -> Explanation:
    method = taken_apart(subject.results, _rows(subject, asked), named=asked.rows is not None)
    found = sensitivity(
        subject, method, max_drop=asked.max_drop, seconds=_SECONDS, metric=asked.metric
    )
    return _part(sensitivity=(found,))


def _calibration(subject: Subject, asked: Asked) -> Explanation:
    named = asked.rows is not None
    method = taken_apart(subject.results, asked.rows or (), named=named)
    found = calibration(subject, method, seconds=_SECONDS, metric=asked.metric)
    return _part(calibration=(found,))


def _part(**fields: object) -> Explanation:
    """An explanation with these fields; the others are empty."""
    return Explanation.model_validate({"results_sha256": "", **fields})


SECTIONS = (
    Section("layers", "what ran as integer", _layers),
    Section("time", "where the time goes", _time),
    Section("errors", "error by layer", _errors),
    Section("disagreement", "answers unlike float32's", _disagreement),
    Section("sensitivity", "sensitivity of layers", _sensitivity),
    Section("calibration", "calibration samples", _calibration),
)
"""The sections in the order in which they are found out: what is cheap comes first."""


def explanation_of(
    subject: Subject,
    results_sha256: str,
    asked: Asked | None = None,
    only: Collection[str] = (),
    sections: Sequence[Section] = SECTIONS,
) -> Explanation:
    """Find out each section, or those that `only` names, and judge what they show.

    A section that fails leaves a note. Raises UnknownNameError for a section that there isn't.
    """
    known = [section.name for section in sections]
    for name in only:
        if name not in known:
            raise UnknownNameError("section", name, known, "--only")
    chosen = [section for section in sections if not only or section.name in only]
    parts, notes = list[Explanation](), list[str]()
    for section in chosen:
        subject.progress.log(f"explaining: {section.title}")
        try:
            parts.append(section.make(subject, asked or Asked()))
        except QuantbenchError as error:
            notes.append(f"{section.title}: {error}")
        except Exception as error:  # noqa: BLE001  # profilers and plug-ins may raise anything
            notes.append(f"{section.title}: failed ({cause(error)})")
    whole = joined(parts, results_sha256)
    whole = whole.model_copy(update={"ran": as_profiled(whole.ran, whole.times)})
    judged = judge(subject.results, whole)
    return whole.model_copy(
        update={
            "findings": judged.findings,
            "notes": (*whole.notes, *notes, *judged.notes),
        }
    )


def joined(parts: Sequence[Explanation], results_sha256: str) -> Explanation:
    """One explanation of what each part holds: lists one after another, of the rest the last."""
    fields: dict[str, object] = {"results_sha256": results_sha256}
    for name, field in Explanation.model_fields.items():
        values = [value for part in parts if (value := getattr(part, name)) != field.default]
        if values and name != "results_sha256":
            tuples = all(isinstance(value, tuple) for value in values)
            fields[name] = sum(values, ()) if tuples else values[-1]
    return Explanation.model_validate(fields)
