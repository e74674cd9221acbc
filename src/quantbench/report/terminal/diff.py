"""Two results.json side by side. File contents are untrusted: control characters are replaced."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.report.scores import WIDEST, bounds_text, score_heading, score_text
from quantbench.report.terminal.cells import has_losses, loss
from quantbench.report.terminal.earlier import earlier_lines
from quantbench.report.terminal.grid import listed, titled
from quantbench.report.words import (
    NONE,
    an,
    count,
    joined,
    ratio,
    row_name,
    significant,
)
from quantbench.results.diff import (
    Difference,
    Only,
    Pair,
    SideBySide,
    Times,
)
from quantbench.results.paired import earlier_row
from quantbench.results.records import MetricInfo, Results
from quantbench.system.terminal import harmless


def compared(
    comparison: SideBySide, files: tuple[str, str], results: tuple[Results, Results]
) -> RenderableType:
    """The page of `quantbench compare`: the differences of the runs, then the rows of both.

    `files` are the names of A and B. The differences come first, since the figures below must be
    read with them in mind.
    """
    in_turn = [*_measured_in_turn(comparison, results[1])]
    pairs = _rows(comparison, results[0], in_turn=bool(in_turn)) if comparison.pairs else ()
    return Group(
        *listed(
            "Compared",
            (
                (letter, harmless(f"{file}: {run.model} on {run.data}, {_rows_of(run)}"))
                for letter, file, run in zip("AB", files, results, strict=True)
            ),
        ),
        Text(),
        _differences(comparison.differences),
        Text(),
        *(pairs or [Text("No row is in both.")]),
        *in_turn,
        *_only("A", "B", comparison.only_a),
        *_only("B", "A", comparison.only_b),
    )


def _measured_in_turn(comparison: SideBySide, b: Results) -> Iterable[RenderableType]:
    found = ((earlier_row(pair.a, b), pair.b) for pair in comparison.pairs)
    return earlier_lines(b, ((earlier, row) for earlier, row in found if earlier is not None))


def _rows_of(results: Results) -> str:
    return count(len(results.rows), "row")


def _differences(differences: tuple[Difference, ...]) -> RenderableType:
    if not differences:
        return Text("Nothing that the files record differs.")
    table = titled("What differs")
    for heading in ("what", "A", "B"):
        table.add_column(heading, overflow="fold")
    for difference in differences:
        texts = (difference.name, difference.a, difference.b)
        table.add_row(*(Text(harmless(text)) for text in texts))
    return table


def _rows(comparison: SideBySide, a: Results, *, in_turn: bool) -> Iterable[RenderableType]:
    losses = has_losses(a)
    scores = (
        *(("loss",) if losses else ()),
        textwrap.fill(score_heading(a.metric), WIDEST).replace(" %", "\n%"),
        "95%\ninterval",
    )
    table = titled("Rows in both", narrow=True)
    table.add_column("method\n  runtime", overflow="fold")
    table.add_column()
    headings = [
        "bytes",
        *(() if comparison.no_scores else scores),
        *(() if comparison.no_times else (f"1 {a.sample}\nµs", "largest\nµs")),
    ]
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    for pair in comparison.pairs:
        table.add_row(*_cells(pair, comparison, a.metric, losses=losses))
    yield table
    yield Text("A/B: A's figure over B's; above 1, B is smaller or faster.")
    yield Text(_under_scores(comparison, a))
    yield from map(Text, _under_times(comparison, a.sample, in_turn=in_turn))


def _under_scores(comparison: SideBySide, a: Results) -> str:
    title = a.metric.title[:1].upper() + a.metric.title[1:]
    if comparison.no_scores:
        return f"{title} and loss are not compared: {comparison.no_scores}."
    return (
        f"{title} is not paired: the files hold no answers by {a.sample}, so there is no test of "
        "the difference, and none is claimed."
    )


def _under_times(comparison: SideBySide, sample: str, *, in_turn: bool) -> Iterable[str]:
    times = [
        (pair, cell)
        for pair in comparison.pairs
        for cell in (pair.batch1, pair.largest_batch)
        if cell
    ]
    if comparison.no_times:
        yield f"Times are not compared: the machines differ ({comparison.no_times})."
    elif not times:
        yield "Times are not compared: none is of the same batch and threads in both."
    else:
        yield f"Times: of {an(sample)}, model only; {_shared_cells([cell for _, cell in times])}."
        yield "They are of two runs apart: A/B is the ratio of two medians, has no interval and"
        yield (
            "claims nothing. Below, both were measured in turn."
            if in_turn
            else "claims nothing. `run --pair A.json` measures both in turn."
        )
        if comparison.versions:
            changes = (f"{x.name} ({x.a} and {x.b})" for x in comparison.versions)
            yield harmless(f"Between the runs changed: {joined(changes)}.")


def _shared_cells(times: list[Times]) -> str:
    batches = joined(f"{n:,}" for n in sorted({x.a.batch for x in times} - {1}))
    threads = sorted({x.a.threads for x in times})
    noun = "thread" if threads == [1] else "threads"
    return f"largest batch in both: {batches}; {joined(map(str, threads))} {noun}"


def _cells(
    pair: Pair, comparison: SideBySide, metric: MetricInfo, *, losses: bool
) -> Iterable[Text]:
    rows = pair.a, pair.b
    yield _lines(pair.a.method, f"  {pair.a.runtime}")
    yield _lines("A", "B", "A/B")
    sizes = [row.bytes for row in rows]
    yield _lines(*(f"{size:,}" for size in sizes), _times(sizes[0] / sizes[1]) if sizes[1] else "")
    if not comparison.no_scores:
        if losses:
            yield _lines(*map(loss, rows))
        yield _lines(*(score_text(metric, row.score) for row in rows))
        yield _lines(*(bounds_text(metric, row.score) for row in rows))
    if not comparison.no_times:
        yield _timed(pair.batch1)
        yield _timed(pair.largest_batch)


def _timed(times: Times | None) -> Text:
    if times is None:
        return _lines(NONE, NONE)
    medians = (significant(latency.median) for latency in (times.a, times.b))
    return _lines(*medians, _times(times.ratio))


def _times(value: float) -> str:
    return f"{ratio(value)}×"


def _lines(*lines: str) -> Text:
    return Text("\n".join(map(harmless, lines)))


def _only(present: str, missing: str, rows: tuple[Only, ...]) -> Iterable[RenderableType]:
    return listed(
        f"Only in {present}",
        ((harmless(row_name(x.row)), harmless(_reason(missing, x.reason))) for x in rows),
    )


def _reason(missing: str, reason: str | None) -> str:
    return f"{missing}: {reason}" if reason else f"{missing} doesn't say why"
