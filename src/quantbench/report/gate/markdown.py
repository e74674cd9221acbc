"""A table in Markdown, for a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quantbench.report.gate.words import case_name, estimate_text, figure, summary
from quantbench.report.markup import plain_markdown
from quantbench.report.words import NONE
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged


def markdown(judged: Sequence[Judged], files: tuple[str, str]) -> str:
    """A heading, a table with a line for each rule and row, and what isn't resolved and why."""
    return "\n".join(_lines(judged, files)) + "\n"


def _lines(judged: Sequence[Judged], files: tuple[str, str]) -> Iterator[str]:
    yield f"### {plain_markdown(summary(judged))}"
    yield ""
    yield f"A is {plain_markdown(files[0])}, B is {plain_markdown(files[1])}."
    yield ""
    yield "| result | fails if | row | A | B | change, or B's interval |"
    yield "|---|---|---|---:|---:|---|"
    for each in judged:
        figures = (figure(each.dimension, value) for value in (each.a, each.b))
        cells = (str(each.rule), each.row or NONE, *figures, estimate_text(each) or NONE)
        yield f"| {_outcome(each.outcome)} | {' | '.join(map(plain_markdown, cells))} |"
    for each in judged:
        if each.reason and each.outcome is Outcome.NOT_RESOLVED:
            yield ""
            case, reason = map(plain_markdown, (case_name(each), each.reason))
            yield f"{case} is not resolved: {reason}."


def _outcome(outcome: Outcome) -> str:
    return f"**{outcome}**" if outcome is Outcome.FAIL else str(outcome)
