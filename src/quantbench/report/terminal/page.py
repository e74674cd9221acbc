"""The page of a study: the answer first, then a table, then the machine; details where asked."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.answers import Answer, answers_of
from quantbench.report.circumstances import machine_line
from quantbench.report.lines import all_lines, first_lines
from quantbench.report.order import Order, ordered
from quantbench.report.terminal.details import (
    described,
    interval_table,
    machine,
    score_table,
    start_table,
    time_table,
    under_intervals,
    under_scores,
    under_starts,
    under_time,
)
from quantbench.report.terminal.earlier import earlier_lines, earlier_pairs
from quantbench.report.terminal.explanation.findings import finding_parts
from quantbench.report.terminal.grid import listed
from quantbench.report.terminal.main_table import MainTable
from quantbench.report.terminal.wrapped import Wrapped
from quantbench.report.words import an, count
from quantbench.results.records import Results
from quantbench.system.terminal import one_line

_INDENT = "  "
_MOST_LETTERS = 150
"""The length of a finding's sentence on the first screen, at most."""


@dataclass(frozen=True)
class View:
    """Options of the page: `all_rows` in place of those that matter, and the details."""

    by: Order = Order.LATENCY
    all_rows: bool = False
    details: bool = False


FIRST = View()
"""The first screen."""


def comparison(results: Results, view: View = FIRST) -> RenderableType:
    """The page of a study. Each part fits the terminal's width, from 80 columns on."""
    lines = (all_lines if view.all_rows else first_lines)(results, view.by)
    return Group(
        Text(_title(results), style="bold"),
        *answer_parts(results),
        Text(),
        *((MainTable(results, lines),) if results.rows else ()),
        *earlier_lines(results, earlier_pairs(results)),
        *(_details(results, view.by) if view.details else _without_details(results)),
        Wrapped(machine_line(results)),
    )


def answer_parts(results: Results) -> Iterator[RenderableType]:
    """The answers of a study, each with its remarks below it."""
    for answer in answers_of(results):
        yield from _answer(answer)


def _answer(answer: Answer) -> Iterator[RenderableType]:
    yield Wrapped(f"{answer.name}: {answer.sentences}", bold=len(answer.name) + 1)
    yield from (Wrapped(remark, _INDENT) for remark in answer.remarks)


def _title(results: Results) -> str:
    return (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds {an(results.sample)}"
    )


def _weightiest(results: Results) -> Iterator[RenderableType]:
    """The weightiest finding of the first screen, and how many there are."""
    weighty = [finding for finding in results.findings if finding.weight != "note"]
    if weighty:
        left = len(results.findings) - 1
        more = f" {count(left, 'more finding')}: `quantbench show --details`." if left else ""
        first = weighty[0]
        yield Wrapped(f"Found: {_shortened(first.sentence)}.{more} `quantbench explain` says why.")


def _shortened(sentence: str) -> str:
    return one_line(textwrap.shorten(sentence, _MOST_LETTERS, placeholder=" ..."))


def _without_details(results: Results) -> Iterator[RenderableType]:
    yield from _weightiest(results)
    skipped = len(results.skipped)
    verb = "wasn't" if skipped == 1 else "weren't"
    left_out = f", and why {count(skipped, 'row')} {verb} measured" if skipped else ""
    yield Wrapped(
        "`quantbench show --details` has number formats, intervals, p values, starts, memory"
        f"{left_out}."
    )


def _details(results: Results, by: Order) -> Iterator[RenderableType]:
    rows = ordered(results, by)
    if results.findings:
        yield Text()
        yield from finding_parts(results.findings)
    yield Text()
    yield from listed("What each row is", described(rows))
    yield from listed(
        "Not measured",
        ((f"{skip.method} on {skip.runtime}", skip.reason) for skip in results.skipped),
    )
    yield from listed("Measured on", machine(results.environment))
    for table, below in (
        (interval_table(results, rows), under_intervals(results)),
        (score_table(results, rows), under_scores(results)),
        (time_table(results, rows), under_time(results)),
        (start_table(results, rows), under_starts(results)),
    ):
        yield Text()
        yield table
        yield from map(Wrapped, below)
    yield Text()
