"""The answer of a study in a few words."""

from __future__ import annotations

from quantbench.results.records import Recommendation, Results


def headline(results: Results) -> str:
    """The answer in a few words: "Ship static on c99"."""
    decisions = dict.fromkeys(map(_decision, results.answers))
    if not decisions:
        return "Nothing to decide: no float32 was timed"
    if len(decisions) == 1:
        return next(iter(decisions))
    return "; ".join(
        f"{_lowered(text) if place else text} "
        + (f"for one {results.sample}" if answer.batch == 1 else f"in batches of {answer.batch:,}")
        for place, (answer, text) in enumerate(
            zip(results.answers, map(_decision, results.answers), strict=True)
        )
    )


def _decision(answer: Recommendation) -> str:
    return f"Keep {answer.float32}" if answer.ship is None else f"Ship {answer.ship.row}"


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
