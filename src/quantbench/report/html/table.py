"""The answer and the tables of a study as HTML, for a notebook or a page.

It takes its colours from the text around it, so that it is readable on light and dark pages alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from quantbench.harness.records import Latency
from quantbench.report.answers import Answer, answers_of
from quantbench.report.circumstances import machine_line
from quantbench.report.html.picture import notebook_picture
from quantbench.report.lines import Line, Lines, all_lines, first_lines
from quantbench.report.order import Order
from quantbench.report.scores import bounds_text, score_heading, score_text, signed
from quantbench.report.terminal.cells import interval
from quantbench.report.terminal.numerics import spelled
from quantbench.report.verdicts import row_verdict
from quantbench.report.words import NONE, an, count, joined, ratio, significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch

STYLE = """
.quantbench { font: 13px/1.45 system-ui, sans-serif; color: inherit; overflow-x: auto }
.quantbench table { border-collapse: collapse; font-variant-numeric: tabular-nums;
  color: inherit; background: transparent }
.quantbench th, .quantbench td { padding: 0.25em 0.7em; text-align: right; vertical-align: top;
  white-space: nowrap; border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 18%,
  transparent); background: transparent }
.quantbench th:first-child, .quantbench td:first-child { text-align: left }
.quantbench th:last-child, .quantbench td:last-child { text-align: left }
.quantbench small { opacity: 0.72 }
.quantbench tr.ship td { font-weight: 600 }
.quantbench p { max-width: 60em; margin: 0.5em 0 }
"""


def study_html(results: Results, by: Order = Order.LATENCY, notes: Sequence[str] = ()) -> str:
    """The answer of a study, its picture, first lines, and all rows to unfold, as one element.

    Rows are sorted by `by`; `notes` stand below them, folded.
    """
    title = (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds {an(results.sample)}"
    )
    first = first_lines(results, by)
    tied = sum(len(line.ties) for line in first.shown)
    return (
        f'<div class="quantbench"><style>{STYLE}</style><p><b>{escape(title)}</b></p>'
        f"{''.join(map(_answer, answers_of(results)))}"
        f"{notebook_picture(results)}{_table(results, first)}"
        f"{_everything(results, by) if tied or first.left else ''}"
        f"<p><small>{escape(_note(results))}</small></p>"
        f"<p><small>{escape(machine_line(results))}</small></p>{_folded(notes)}</div>"
    )


def _folded(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<details><summary>Notes: {len(notes)}</summary><ul>{lines}</ul></details>"


def _answer(answer: Answer) -> str:
    remarks = "".join(f"<p><small>{escape(remark)}</small></p>" for remark in answer.remarks)
    return f"<p><b>{escape(answer.name)}:</b> {escape(answer.sentences)}</p>{remarks}"


def _everything(results: Results, by: Order) -> str:
    table = _table(results, all_lines(results, by))
    words = f"All {count(len(results.rows), 'row')}"
    return f"<details><summary>{escape(words)}</summary>{table}</details>"


def _note(results: Results) -> str:
    floats = [*dict.fromkeys(answer.float32 for answer in results.answers)]
    fastest = f" ({joined(floats)})" if floats else ""
    return (
        f"Speed: the time of the fastest float32{fastest} over this row's, with its 95% interval."
    )


def _table(results: Results, lines: Lines) -> str:
    head = "".join(f"<th>{_lines(heading)}</th>" for heading in _headings(results))
    rows = "".join(_row(line, results) for line in lines.shown)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _headings(results: Results) -> Iterator[tuple[str, str]]:
    batches = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    yield "method", "runtime, numerics"
    yield "bytes", "smaller"
    yield score_heading(results.metric), "95%"
    yield "change", "verdict"
    yield f"µs, 1 {results.sample}", "speed, 95%"
    yield f"µs, {'/'.join(f'{batch:,}' for batch in batches) or 'batches'}", "speed, 95%"
    yield "verdict", ""


def _row(line: Line, results: Results) -> str:
    row, against = line.row, line.row.against_float
    more = f" and {len(line.ties)} more" if line.ties else ""
    difference = against.difference if against else None
    word = row_verdict(results, row)
    cells = (
        (f"{row.method}{more}", f"{row.runtime}, {spelled(row)}"),
        (f"{row.bytes:,}", f"{ratio(against.bytes_ratio)}×" if against else ""),
        (score_text(results.metric, row.score), bounds_text(results.metric, row.score)),
        (
            signed(results.metric, difference.value) if difference else NONE,
            against.verdict if against else "",
        ),
        _timed(row, batch1(row)),
        _timed(row, largest_batch(row, "model")),
        (word, ""),
    )
    marked = ' class="ship"' if word.startswith("ship") else ""
    return f"<tr{marked}>{''.join(f'<td>{_lines(cell)}</td>' for cell in cells)}</tr>"


def _timed(row: Row, latency: Latency | None) -> tuple[str, str]:
    if latency is None:
        return NONE, ""
    return significant(latency.median), interval(fastest_of(row, latency))


def _lines(pair: Iterable[str]) -> str:
    """Two lines of a cell, the second in small print."""
    above, below = pair
    return f"{escape(above)}<br><small>{escape(below)}</small>" if below else escape(above)
