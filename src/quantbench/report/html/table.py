"""The answer and the main table of a study as HTML, for a notebook or a page.

It takes its colours from the text around it, so that it is readable on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from quantbench.report.order import Order, ordered
from quantbench.report.scores import bounds_text, score_heading, score_text
from quantbench.report.terminal.cells import interval, microseconds
from quantbench.report.terminal.main_table import BASELINE, FASTEST, PARETO
from quantbench.report.terminal.numerics import spelled
from quantbench.report.terminal.recommendation import recommendation_lines
from quantbench.report.words import NONE, an, ratio
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch, speed_of

STYLE = """
.quantbench { font: 13px/1.45 system-ui, sans-serif; color: inherit; overflow-x: auto }
.quantbench table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  color: inherit; background: transparent }
.quantbench th, .quantbench td { padding: 0.25em 0.7em; text-align: right; vertical-align: top;
  white-space: nowrap; border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 18%,
  transparent); background: transparent }
.quantbench th:first-child, .quantbench td:first-child { text-align: left }
.quantbench small { opacity: 0.72 }
.quantbench tr.pareto td:first-child { font-weight: 600 }
.quantbench p { max-width: 60em; margin: 0.5em 0 }
"""


def study_html(results: Results, by: Order = Order.LATENCY, notes: Sequence[str] = ()) -> str:
    """The recommendations of a study and its rows, sorted by `by`, as one HTML element.

    `notes` stand below them, folded.
    """
    title = (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds {an(results.sample)}"
    )
    head = "".join(f"<th>{_lines(heading)}</th>" for heading in _headings(results))
    rows = "".join(_row(row, results) for row in ordered(results, by))
    answers = "".join(
        f"<p><b>{escape(name)}:</b> {escape(words)}</p>"
        for name, words in recommendation_lines(results)
    )
    note = (
        f"{PARETO} no other row is at least as good in {results.metric.title}, as fast (one "
        f"{results.sample}) and as small, and better in one. Speed: float32's time over this "
        "row's; an interval that holds 1 shows no difference."
    )
    return (
        f'<div class="quantbench"><style>{STYLE}</style><p><b>{escape(title)}</b></p>{answers}'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><small>{escape(note)}</small></p>{_folded(notes)}</div>"
    )


def _folded(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<details><summary>Notes: {len(notes)}</summary><ul>{lines}</ul></details>"


def _headings(results: Results) -> Iterable[tuple[str, str]]:
    batches = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    many = ", ".join(f"{batch:,}" for batch in batches)
    yield "method", "runtime, numerics"
    yield "bytes", "smaller"
    yield score_heading(results.metric), "95%"
    yield f"µs {an(results.sample)}", f"below: batches of {many}" if many else ""
    yield "speed: same runtime", "95%"
    yield "speed: fastest float32", "95%"


def _row(row: Row, results: Results) -> str:
    single, batch = batch1(row), largest_batch(row, "model")
    both = (single, batch)
    against = row.against_float
    base = BASELINE if against is None and row.latency else NONE
    best = FASTEST if against is None and row.latency else NONE
    verdict = f", {against.verdict}" if against and against.verdict in {"worse", "better"} else ""
    cells = (
        (f"{row.method}{f' {PARETO}' if row.pareto else ''}", f"{row.runtime}, {spelled(row)}"),
        (f"{row.bytes:,}", f"{ratio(against.bytes_ratio)}×" if against else ""),
        (
            score_text(results.metric, row.score),
            f"{bounds_text(results.metric, row.score)}{verdict}",
        ),
        [microseconds(row, latency) for latency in both],
        [interval(speed) if speed else base for speed in (speed_of(row, x) for x in both)],
        [interval(speed) if speed else best for speed in (fastest_of(row, x) for x in both)],
    )
    marked = ' class="pareto"' if row.pareto else ""
    return f"<tr{marked}>{''.join(f'<td>{_lines(cell)}</td>' for cell in cells)}</tr>"


def _lines(pair: Iterable[str]) -> str:
    """Two lines of a cell, the second in small print."""
    above, below = pair
    return f"{escape(above)}<br><small>{escape(below)}</small>" if below else escape(above)
