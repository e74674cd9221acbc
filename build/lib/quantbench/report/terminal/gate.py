"""The rules that were judged, as lines of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.gate.words import case_name, sentence, summary
from quantbench.report.terminal.grid import listed
from quantbench.results.gate.judge import Judged


def judged_rules(judged: Sequence[Judged]) -> RenderableType:
    """A line for each rule and row, the outcome first, and their number by outcome."""
    lines = ((str(each.outcome), f"{case_name(each)}: {sentence(each)}") for each in judged)
    return Group(Text(), *listed("Fails if", lines), Text(summary(judged)))
