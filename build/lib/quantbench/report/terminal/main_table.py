"""The first table: a line for each row that matters, within 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from quantbench.report.lines import Line, Lines
from quantbench.report.scores import score_heading, score_text, signed
from quantbench.report.terminal.grid import titled
from quantbench.report.verdicts import row_verdict, speed_text
from quantbench.report.words import NONE, an, count, joined, significant
from quantbench.results.records import Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch

_WIDE = 100
"""Columns from which on words stand in place of their short forms."""
_HEADING = 11
"""Characters of a line of the score's heading."""
_UNITS = ((10_000_000, 1e6, "MB"), (10_000, 1e3, "kB"), (0, 1, "bytes"))
_EMPHASIS = {"worse": "red", "better": "green", "likely worse": "red"}


@dataclass(frozen=True)
class MainTable:
    """The table of some lines of a study; rich asks it for the terminal's width."""

    results: Results
    lines: Lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield _table(self.results, self.lines.shown, options.max_width)
        for note in _notes(self.results, self.lines, wide=options.max_width >= _WIDE):
            for part in textwrap.wrap(note, options.max_width, break_on_hyphens=False):
                yield Text(part)


def size_unit(rows: Sequence[Row]) -> tuple[float, str]:
    """The bytes of the unit that suits the largest of these rows, and its name."""
    most = max((row.bytes for row in rows), default=0)
    return next((unit, name) for least, unit, name in _UNITS if most >= least)


def size_text(row: Row, unit: float) -> str:
    """The bytes of a row in a unit of so many bytes."""
    return f"{row.bytes:,}" if unit == 1 else significant(row.bytes / unit)


def _table(results: Results, lines: Sequence[Line], width: int) -> Table:
    wide = width >= _WIDE
    rows = [line.row for line in lines]
    unit, unit_name = size_unit(results.rows)
    scores = _aligned([(score_text(results.metric, x.score), _change(results, x)) for x in rows])
    columns = [
        ("runtime", [row.runtime for row in rows]),
        (unit_name, [size_text(row, unit) for row in rows]),
        (_wrapped(f"{score_heading(results.metric)}, change", scores), scores),
        (f"1 {results.sample}\nµs, speed", _aligned([_timed(row, several=False) for row in rows])),
        (_largest(results), _aligned([_timed(row, several=True) for row in rows])),
        ("verdict", [row_verdict(results, row) for row in rows]),
    ]
    gap = 2 if wide else 1
    room = width - sum(gap + _widest(heading, cells) for heading, cells in columns)
    methods = [_cut(f"{line.row.method}{_tied(line, wide=wide)}", room) for line in lines]
    table = titled("", narrow=not wide)
    table.title = None
    for heading, _ in (("method", methods), *columns):
        table.add_column(
            Text(heading),
            justify="left" if heading in {"method", "runtime", "verdict"} else "right",
            no_wrap=True,
            overflow="ellipsis",
            vertical="bottom",
        )
    for row, *cells in zip(rows, methods, *(cells for _, cells in columns), strict=True):
        *figures, word = cells
        emphasis = "bold" if word.startswith("ship") else _EMPHASIS.get(word, "")
        style = "italic" if row.kind == "float" else ""
        table.add_row(*map(Text, figures), Text(word, emphasis), style=style)
    return table


def _largest(results: Results) -> str:
    batches = sorted({x.batch for row in results.rows if (x := largest_batch(row, "model"))})
    return f"{'/'.join(f'{batch:,}' for batch in batches) or 'batches'}\nµs, speed"


def _widest(heading: str, cells: Sequence[str]) -> int:
    return max(map(cell_len, (*heading.split("\n"), *cells)))


def _cut(text: str, room: int) -> str:
    """The text, or as much of it as there is room for; 8 characters at least."""
    room = max(room, 8)
    return text if cell_len(text) <= room else f"{set_cell_size(text, room - 1)}…"


def _wrapped(heading: str, cells: Sequence[str]) -> str:
    """The heading in lines that make the column no wider than it has to be."""
    return textwrap.fill(heading, max(_HEADING, *map(len, cells), len("change")))


def _tied(line: Line, *, wide: bool) -> str:
    if not line.ties:
        return ""
    return f" and {len(line.ties)} more" if wide else f" +{len(line.ties)}"


def _aligned(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Two figures in a cell, each as wide in all rows."""
    wide = [max((len(pair[place]) for pair in pairs), default=0) for place in (0, 1)]
    return [f"{a:>{wide[0]}} {b:>{wide[1]}}" for a, b in pairs]


def _change(results: Results, row: Row) -> str:
    against = row.against_float
    if against is None or against.difference is None:
        return NONE
    return signed(results.metric, against.difference.value)


def _timed(row: Row, *, several: bool) -> tuple[str, str]:
    latency = largest_batch(row, "model") if several else batch1(row)
    if latency is None:
        return NONE, NONE
    speed = fastest_of(row, latency)
    fastest = speed is None and row.against_float is None
    return significant(latency.median), "1" if fastest else speed_text(speed)


def _notes(results: Results, lines: Lines, *, wide: bool) -> Iterator[str]:
    """Tell what a reader can't guess, and which rows aren't shown."""
    floats = [*dict.fromkeys(answer.float32 for answer in results.answers)]
    fastest = f" ({joined(floats)})" if floats else ""
    doubt = "" if all(_resolved(line.row) for line in lines.shown) else "; ? if not resolved"
    threads = sorted({row.threads for row in results.rows})
    noun = "thread" if threads == [1] else "threads"
    yield (
        f"Times: µs {an(results.sample)}, on {joined(map(str, threads))} {noun}. Speed: the time "
        f"of the fastest float32{fastest} over this row's{doubt}."
    )
    tied = sum(len(line.ties) for line in lines.shown)
    hidden = [count(lines.left, "row")] if lines.left else []
    if tied:
        sign = "" if wide else ", told by +"
        hidden.append(f"{tied:,} as fast as one of their runtime and judged alike{sign}")
    if hidden:
        yield f"Not shown: {joined(hidden)}; `quantbench show --all` shows every row."


def _resolved(row: Row) -> bool:
    found = (fastest_of(row, latency) for latency in (batch1(row), largest_batch(row, "model")))
    return all(speed is None or speed.verdict != "not resolved" for speed in found)
