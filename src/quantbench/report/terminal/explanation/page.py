"""The page of an explanation: findings first, then the evidence, part by part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.explain.records import Explanation
from quantbench.report.terminal.explanation.errors import (
    calibration_parts,
    disagreement_parts,
    error_parts,
    sensitivity_parts,
)
from quantbench.report.terminal.explanation.findings import finding_parts
from quantbench.report.terminal.explanation.layers import ran_parts
from quantbench.report.terminal.explanation.times import prediction_parts, time_parts
from quantbench.report.terminal.wrapped import Wrapped
from quantbench.results.records import Results


def explanation_page(explanation: Explanation, results: Results) -> RenderableType:
    """All that an explanation holds, as far as a terminal has room for it."""
    parts: tuple[Iterable[RenderableType], ...] = (
        finding_parts(explanation.findings),
        ran_parts(explanation.ran),
        time_parts(explanation.times, explanation.unsplit, explanation.peaks),
        prediction_parts(explanation.predictions),
        error_parts(explanation.errors),
        sensitivity_parts(explanation.sensitivity, results.metric),
        calibration_parts(explanation.calibration, results.metric),
        disagreement_parts(explanation.disagreement),
        (Wrapped(f"note: {note}") for note in explanation.notes),
    )
    return Group(Text(f"Why: {results.model} on {results.data}", style="bold"), *_spaced(parts))


def _spaced(parts: Iterable[Iterable[RenderableType]]) -> Iterator[RenderableType]:
    """The parts that hold anything, a blank line before each."""
    for part in parts:
        for place, renderable in enumerate(part):
            if place == 0:
                yield Text()
            yield renderable
