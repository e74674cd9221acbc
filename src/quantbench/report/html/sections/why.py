"""Parts that sections on causes share: what stands where nothing was explained."""

from __future__ import annotations

from quantbench.report.html.parts import Report, Section, Words

EXPLAIN = "quantbench explain"


def unexplained(report: Report, key: str, title: str, what: str) -> Section:
    """A section whose part of the explanation there isn't: the command that makes it.

    `what` is what it would show, as the subject of a sentence: "where the time of each row goes".
    """
    if report.explanation is None:
        words = Words(
            f"Not found out yet: {what}. What finds it out, from a finished study:", EXPLAIN
        )
    else:
        words = Words(f"The explanation of this study has nothing on {what}.")
    return Section(key, title, (words,))
