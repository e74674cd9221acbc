"""Find the test samples that a row answers unlike float32 in the same runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from quantbench.errors import UnavailableError
from quantbench.explain.kept_outputs import kept_outputs
from quantbench.explain.records import (
    ChangedSample,
    ClassChange,
    DifferingSample,
    Disagreement,
)
from quantbench.explain.subject import Subject
from quantbench.explain.thumbnail import thumbnail
from quantbench.numerics.classes import checked_targets, confusion, decisions
from quantbench.results.records import Row
from quantbench.samples.records import Arrays

Array: TypeAlias = NDArray[Any]
Classes: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]

EXAMPLES = 24
PICTURES = 12
"""Changed samples that are kept as pictures, of one row."""
MAX_CLASSES = 100
"""The most classes of which counts and a confusion matrix are kept."""
_BLOCK = 256
"""Samples that are compared at once: outputs may be larger than memory."""


def disagreements(
    subject: Subject, outputs: Mapping[str, Arrays] | None = None
) -> tuple[Disagreement, ...]:
    """The samples whose answers quantization changed, of each row that float32 was measured beside.

    `outputs`: row -> its outputs for the test samples, one array [N, ...] each; those that the
    study kept where none are given. A row without outputs is left out. Of images, the samples that
    the row to ship changed come with small pictures.
    """
    known = kept_outputs(subject) if outputs is None else outputs
    found = tuple(
        _disagreement(subject, row, known[row.name], known[row.against_float.baseline])
        for row in subject.results.rows
        if row.against_float is not None
        and row.name in known
        and row.against_float.baseline in known
    )
    if subject.results.sample != "image":
        return found
    pictured = _to_picture(subject, found)
    return tuple(_with_pictures(subject, x) if x.row == pictured else x for x in found)


def _to_picture(subject: Subject, found: Sequence[Disagreement]) -> str | None:
    """The row whose changed samples are shown: one to ship, else the smallest, else the first."""
    answers = subject.results.answers
    choices = [choice for answer in answers for choice in (answer.ship, answer.smallest) if choice]
    shipped = [answer.ship.row for answer in answers if answer.ship is not None]
    changed = {each.row for each in found if each.examples}
    named = (*shipped, *(choice.row for choice in choices), *(each.row for each in found))
    return next((name for name in named if name in changed), None)


def _with_pictures(subject: Subject, changed: Disagreement) -> Disagreement:
    examples = tuple(
        each.model_copy(update={"picture": thumbnail(subject.task.test, each.index)})
        if place < PICTURES
        else each
        for place, each in enumerate(changed.examples)
    )
    return changed.model_copy(update={"examples": examples})


def _disagreement(subject: Subject, row: Row, outputs: Arrays, expected: Arrays) -> Disagreement:
    targets = subject.task.test.targets
    if _classifies(subject, outputs):
        wanted = None if targets is None else checked_targets(outputs[0], targets)
        return _of_classes(subject, row, outputs[0], expected[0], wanted)
    return _of_numbers(row, outputs, expected)


def _classifies(subject: Subject, outputs: Arrays) -> bool:
    """Whether the one output [N, K] tells a class for each sample.

    Targets that are class numbers say so; without targets the study's metric does.
    """
    if len(outputs) != 1 or outputs[0].ndim != 2 or outputs[0].shape[1] < 2:
        return False
    targets = subject.task.test.targets
    if targets is None:
        return subject.results.metric.name == "agreement"
    try:
        checked_targets(outputs[0], targets)
    except UnavailableError:
        return False
    return True


def _of_classes(
    subject: Subject, row: Row, outputs: Array, expected: Array, targets: Classes | None
) -> Disagreement:
    answers, float_answers = decisions(outputs), decisions(expected)
    changed = np.flatnonzero(answers != float_answers)
    whole = are_probabilities(expected)
    sure = _probabilities(expected[changed], whole=whole)
    now = _probabilities(outputs[changed], whole=whole)
    places = np.arange(len(changed))
    float_sure = sure[places, float_answers[changed]]
    fallen = float_sure - now[places, float_answers[changed]]
    examples = tuple(
        ChangedSample(
            index=int(changed[place]),
            target=None if targets is None else int(targets[changed[place]]),
            float_answer=int(float_answers[changed[place]]),
            answer=int(answers[changed[place]]),
            float_probability=float(float_sure[place]),
            probability=float(now[place, answers[changed[place]]]),
        )
        for place in np.argsort(-fallen, kind="stable")[:EXAMPLES]
    )
    answered = Disagreement(
        row=row.name,
        samples=len(outputs),
        changed=len(changed),
        only_float_right=0,
        only_this_right=0,
        float_probability_of_changed=float(np.median(float_sure)) if len(changed) else None,
        examples=examples,
    )
    if targets is None:
        return answered
    right, float_right, count = answers == targets, float_answers == targets, outputs.shape[1]
    few = count <= MAX_CLASSES
    return answered.model_copy(
        update={
            "only_float_right": int((float_right & ~right).sum()),
            "only_this_right": int((right & ~float_right).sum()),
            "classes": _by_class(subject, targets, float_right, right, count) if few else (),
            "confusion": _table(confusion(outputs, targets)) if few else (),
        }
    )


def _table(counts: NDArray[np.int64]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, row)) for row in counts)


def are_probabilities(outputs: Array) -> bool:
    """Whether outputs [N, K] are those of a network that ends in a softmax: each sums up to 1.

    Probabilities that were rounded to 8 bits don't sum up to 1 exactly.
    """
    near = 0.05
    whole = np.abs(outputs.sum(1, dtype=np.float64) - 1) < near
    return bool(outputs.size and outputs.min() >= 0 and outputs.max() < 1 + near and whole.all())


def _probabilities(outputs: Array, *, whole: bool) -> NDArray[np.float64]:
    """The probability of each class, [N, K], of outputs that are such, or of logits."""
    values = outputs.astype(np.float64)
    if not whole:
        return np.asarray(softmax(values, axis=1))
    return np.asarray(values / np.maximum(values.sum(1, keepdims=True), np.finfo(float).tiny))


def _by_class(
    subject: Subject, targets: Classes, float_right: Mask, right: Mask, count: int
) -> tuple[ClassChange, ...]:
    names = subject.task.classes
    return tuple(
        ClassChange(
            label=names[number] if number < len(names) else str(number),
            samples=int((targets == number).sum()),
            float_right=int(float_right[targets == number].sum()),
            right=int(right[targets == number].sum()),
        )
        for number in range(count)
    )


def _of_numbers(row: Row, outputs: Arrays, expected: Arrays) -> Disagreement:
    """The samples whose outputs differ most, where they are no classes of whole samples."""
    differences = np.sqrt(np.mean([*map(_squares, outputs, expected)], axis=0))
    order = np.argsort(-differences, kind="stable")[:EXAMPLES]
    return Disagreement(
        row=row.name,
        samples=len(differences),
        changed=int((differences > 0).sum()),
        only_float_right=0,
        only_this_right=0,
        differing=tuple(
            DifferingSample(index=int(place), difference=float(differences[place]))
            for place in order
            if differences[place] > 0
        ),
    )


def _squares(outputs: Array, expected: Array) -> NDArray[np.float64]:
    """Each sample's mean square difference over float32's variance, [N], of one output."""
    mean = expected.mean(0, dtype=np.float64)
    differences, variance = list[Array](), 0.0
    for start in range(0, len(expected), _BLOCK):
        part = slice(start, start + _BLOCK)
        wanted = expected[part].astype(np.float64)
        difference = outputs[part].astype(np.float64).reshape(wanted.shape) - wanted
        differences.append(np.square(difference).reshape(len(wanted), -1).mean(1))
        variance += float(np.square(wanted - mean).sum())
    spread = variance / max(expected.size, 1)
    return np.asarray(np.concatenate(differences) / (spread or 1.0))
