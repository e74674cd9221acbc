"""A row's verdict in a word or two, from those of its score and of its times."""

from __future__ import annotations

from quantbench.report.words import NONE, ratio
from quantbench.results.records import Ratio, Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch


def row_verdict(results: Results, row: Row) -> str:
    """Say what to think of a row: "ship", "baseline", "worse", "faster at 1", "not resolved".

    A row that isn't shipped is called by its score where that rules it out, else by its times
    against the fastest float32, one sample at a time and in batches.
    """
    ships = [(answer.batch, answer.ship.row) for answer in results.answers if answer.ship]
    shipped = [batch for batch, name in ships if name == row.name]
    if shipped:
        return "ship" if len(shipped) == len(results.answers) else f"ship at {shipped[0]:,}"
    if row.name in {answer.float32 for answer in results.answers}:
        return "baseline"
    return _by_score(row) or _by_times(row)


def speed_text(speed: Ratio | None) -> str:
    """A speed, with a question mark where its verdict isn't resolved: "2.79", "1.02?"."""
    if speed is None:
        return NONE
    return f"{ratio(speed.value)}{'?' if speed.verdict == 'not resolved' else ''}"


def _by_score(row: Row) -> str:
    against = row.against_float
    if against is None:
        return ""
    if against.verdict in {"worse", "not judged"}:
        return against.verdict
    return "likely worse" if against.costs else ""


def _by_times(row: Row) -> str:
    """The verdict of both times where they agree, else the one that says more."""
    if not row.latency:
        return "simulated" if row.kind == "simulated" else "not timed"
    found = (fastest_of(row, batch1(row)), fastest_of(row, largest_batch(row, "model")))
    speeds = [speed for speed in found if speed is not None]
    words = [speed.verdict for speed in speeds]
    if len({*words}) == 1:
        return words[0]
    for word in ("faster", "slower"):
        if word in words:
            return f"{word} at {speeds[words.index(word)].batch:,}"
    return "not resolved" if words else NONE
