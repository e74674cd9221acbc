"""The section on classes: confusion matrices side by side, and what became of each class."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

from quantbench.explain.records import Disagreement
from quantbench.report.html.parts import Figure, Part, Report, Section, Table, Words, numbers
from quantbench.report.svg.heat import Cell, heat

_TITLE = "Which classes changed"
_MATRICES = 6
_LARGEST = 24
"""Classes of a matrix that is drawn; beyond it, its largest confusions are listed."""
_CONFUSIONS = 20


def section(report: Report) -> Section | None:
    """The section of the classes; None without an explanation of it."""
    explanation = report.explanation
    rows = [] if explanation is None else [x for x in explanation.disagreement if x.confusion]
    if not rows:
        return None
    words = Words(
        "Down: the class that it is. Across: the answer. The stronger the colour, the more samples "
        "were confused so; right answers have no colour."
    )
    return Section("classes", _TITLE, (words, *_matrices(rows), *_by_class(rows)))


def _matrices(rows: list[Disagreement]) -> Iterator[Part]:
    shown = rows[:_MATRICES]
    most = max(
        (n for row in shown for target, answer, n in _cells(row) if target != answer), default=0
    )
    for number, row in enumerate(shown):
        if len(row.confusion) > _LARGEST:
            yield _largest(row, number)
        else:
            yield _matrix(row, number, most)
    if len(rows) > len(shown):
        yield Words(f"{len(rows) - len(shown)} more rows are in explanation.json.")


def _matrix(row: Disagreement, number: int, most: int) -> Figure:
    names = _names(row)
    cells = [
        [_cell(names, target, answer, n, most) for answer, n in enumerate(line)]
        for target, line in enumerate(row.confusion)
    ]
    wrong = sum(n for target, answer, n in _cells(row) if target != answer)
    return Figure(
        row.row,
        f"{wrong:,} of {sum(map(sum, row.confusion)):,} are wrong; {row.changed:,} answers differ "
        "from float32's.",
        partial(heat, rows=names[: len(cells)], columns=names, cells=cells, square=True),
        numbers(f"confusion-{number + 1}", ("class", "answer", "samples"), _counts(row)),
        small=True,
    )


def _cell(names: list[str], target: int, answer: int, n: int, most: int) -> Cell:
    words = f"{n:,} of class {names[target]} answered {names[answer]}"
    if target == answer:
        return Cell(None, f"{n:,}", words)
    level = math.log1p(n) / math.log1p(most) if n > 0 else 0.0
    return Cell(level, f"{n:,}" if n else "", words)


def _cells(row: Disagreement) -> Iterator[tuple[int, int, int]]:
    for target, line in enumerate(row.confusion):
        for answer, n in enumerate(line):
            yield target, answer, n


def _counts(row: Disagreement) -> Iterator[tuple[str, str, int]]:
    names = _names(row)
    return ((names[target], names[answer], n) for target, answer, n in _cells(row))


def _largest(row: Disagreement, number: int) -> Table:
    wrong = [(n, target, answer) for target, answer, n in _counts(row) if target != answer and n]
    wrong.sort(key=lambda each: -each[0])
    return numbers(
        f"confusion-{number + 1}",
        ("class", "answer", "samples"),
        ((target, answer, n) for n, target, answer in wrong[:_CONFUSIONS]),
        f"{row.row}: the most frequent confusions",
    )


def _by_class(rows: list[Disagreement]) -> Iterator[Part]:
    lines = [(row.row, each) for row in rows for each in row.classes]
    if lines:
        yield numbers(
            "classes",
            ("row", "class", "samples", "float32 right", "right", "change"),
            (
                (name, x.label, x.samples, x.float_right, x.right, x.right - x.float_right)
                for name, x in lines
            ),
            "Right answers by class",
        )


def _names(row: Disagreement) -> list[str]:
    size = max(len(row.confusion), *map(len, row.confusion))
    labels = [each.label for each in row.classes]
    return labels if len(labels) == size else [str(number) for number in range(size)]
