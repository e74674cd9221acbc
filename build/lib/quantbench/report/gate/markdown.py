"""A table in Markdown, for a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from quantbench.report.gate.words import case_name, estimate_text, figure, summary
from quantbench.report.words import NONE
from quantbench.results.gate.estimate import Outcome
from quantbench.results.gate.judge import Judged
from quantbench.system.terminal import one_line

_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#~&]")


def markdown(judged: Sequence[Judged], files: tuple[str, str]) -> str:
    """A heading, a table with a line for each rule and row, and what isn't resolved and why."""
    return "\n".join(_lines(judged, files)) + "\n"


def _lines(judged: Sequence[Judged], files: tuple[str, str]) -> Iterator[str]:
    yield f"### {_plain(summary(judged))}"
    yield ""
    yield f"A is {_plain(files[0])}, B is {_plain(files[1])}."
    yield ""
    yield "| result | fails if | row | A | B | change, or B's interval |"
    yield "|---|---|---|---:|---:|---|"
    for each in judged:
        figures = (figure(each.dimension, value) for value in (each.a, each.b))
        cells = (str(each.rule), each.row or NONE, *figures, estimate_text(each) or NONE)
        yield f"| {_outcome(each.outcome)} | {' | '.join(map(_plain, cells))} |"
    for each in judged:
        if each.reason and each.outcome is Outcome.NOT_RESOLVED:
            yield ""
            yield f"{_plain(case_name(each))} is not resolved: {_plain(each.reason)}."


def _outcome(outcome: Outcome) -> str:
    return f"**{outcome}**" if outcome is Outcome.FAIL else str(outcome)


def _plain(text: str) -> str:
    """The text without any markup of its own: a file may hold anything."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))
