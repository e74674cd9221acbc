"""The samples whose answers changed."""

from __future__ import annotations

from quantbench.explain.records import Disagreement
from quantbench.report.html.parts import (
    Gallery,
    Part,
    Picture,
    Report,
    Section,
    Words,
    numbers,
)
from quantbench.report.words import percent

_TITLE = "The samples that changed"


def section(report: Report) -> Section | None:
    """The section of the changed samples; None without an explanation of it."""
    explanation = report.explanation
    if explanation is None or not explanation.disagreement:
        return None
    rows = explanation.disagreement
    parts: list[Part] = [
        numbers(
            "changed-by-row",
            (
                "row", "samples", "changed", "only float32 right", "only this right",
                "float32's probability of them, median",
            ),
            (
                (
                    x.row, x.samples, x.changed, x.only_float_right, x.only_this_right,
                    x.float_probability_of_changed,
                )
                for x in rows
            ),
            "How many answers differ from float32's in the same runtime",
        )
    ]  # fmt: skip
    sure = [x for x in rows if x.float_probability_of_changed is not None]
    if sure:
        least = min(sure, key=lambda x: x.float_probability_of_changed or 0.0)
        probability = percent(least.float_probability_of_changed or 0.0, 0)
        parts.append(
            Words(
                f"A low probability means that float32 itself was in doubt: it gave its answers "
                f"that {least.row} changed {probability} in the median."
            )
        )
    parts.extend(_gallery(x) for x in rows if any(each.picture for each in x.examples))
    if any(x.examples for x in rows):
        parts.append(_examples(rows))
    if any(x.differing for x in rows):
        parts.append(
            numbers(
                "differing-samples",
                ("row", "test sample", "difference"),
                ((x.row, each.index, each.difference) for x in rows for each in x.differing),
                "Samples whose outputs differ most from float32's, over the spread of its outputs",
            )
        )
    return Section("changed", _TITLE, tuple(parts))


def _gallery(row: Disagreement) -> Gallery:
    """The changed samples of a row as pictures, the surest answers that fell first."""
    return Gallery(
        f"Images that {row.row} answers unlike float32, the surest answers first",
        tuple(
            Picture(
                each.picture,
                (
                    *(() if each.target is None else (f"is {_name(row, each.target)}",)),
                    f"float32: {_name(row, each.float_answer)} ({percent(each.float_probability)})",
                    f"this row: {_name(row, each.answer)} ({percent(each.probability)})",
                    f"test image {each.index:,}",
                ),
            )
            for each in row.examples
            if each.picture
        ),
    )


def _examples(rows: tuple[Disagreement, ...]) -> Part:
    return numbers(
        "changed-samples",
        (
            "row", "test sample", "class", "float32's answer", "its answer",
            "float32's probability", "its probability",
        ),
        (
            (
                x.row, e.index, _name(x, e.target), _name(x, e.float_answer), _name(x, e.answer),
                e.float_probability, e.probability,
            )
            for x in rows
            for e in x.examples
        ),
        "Samples by their place in the test split",
    )  # fmt: skip


def _name(row: Disagreement, number: int | None) -> str | None:
    """The name of a class, which the row knows where it lists all of them."""
    if number is None:
        return None
    labels = [each.label for each in row.classes]
    known = len(labels) == len(row.confusion) and number < len(labels)
    return labels[number] if known else str(number)
