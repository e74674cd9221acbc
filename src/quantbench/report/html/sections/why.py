"""Parts that sections on causes share: what stands where nothing was explained."""

from __future__ import annotations

from quantbench.report.html.parts import Command, Part, Report, Section

EXPLAIN = "quantbench explain"


def unexplained(report: Report, key: str, title: str, what: str) -> Section:
    """A section whose part of the explanation there isn't: the command that makes it.

    `what` is what it would show, as the subject of a sentence: "where the time of each row goes".
    """
    made = report.explanation is not None
    words = f"{'Nothing was found out about' if made else 'Not found out yet:'} {what}"
    end = " in the explanation of this study." if made else ". This command does, from a finished study:"
    parts: tuple[Part, ...] = (Command(EXPLAIN, words + end),)
    return Section(key, title, parts)
