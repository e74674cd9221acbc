"""One sentence on all that an explanation would tell, where it is missing, with the command."""

from __future__ import annotations

from collections.abc import Callable

from quantbench.explain.records import Explanation
from quantbench.report.html.parts import Report, Section, Words
from quantbench.report.words import joined

EXPLAIN = "quantbench explain"

_PARTS: tuple[tuple[Callable[[Explanation], object], str], ...] = (
    (lambda known: known.times, "where the time of each row goes"),
    (
        lambda known: any(each.layers for each in known.errors),
        "which layers make the numerical error",
    ),
    (lambda known: known.sensitivity, "what quantizing each layer alone costs"),
    (lambda known: known.calibration, "how many samples calibration needs"),
    (lambda known: known.disagreement, "which classes and which samples changed their answer"),
)
"""A test that a part of the explanation is there, and what the part would show."""


def section(report: Report) -> Section | None:
    """The section of all that wasn't found out, with the command that does; None where all was."""
    explanation = report.explanation
    if explanation is None:
        whole = joined([*(what for _, what in _PARTS), "the causes of what was measured"])
        words = Words(
            f"Not found out yet: {whole}. One command finds it out, from a finished study:", EXPLAIN
        )
        return Section("why", "Why the rows differ", (words,))
    missing = [what for part, what in _PARTS if not part(explanation)]
    if not missing:
        return None
    return Section(
        "why",
        "What was not explained",
        (Words(f"The explanation of this study has nothing on {joined(missing)}."),),
    )
