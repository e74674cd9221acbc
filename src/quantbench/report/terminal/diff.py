"""Two results.json beside each other. Their words are another's: none may move the cursor."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.text import Text

from quantbench.harness.records import Latency
from quantbench.report.stability import is_unstable
from quantbench.report.terminal.cells import UNSTABLE, marked
from quantbench.report.terminal.grid import listed, titled
from quantbench.report.words import (
    NONE,
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
from quantbench.results.records import Results, Row
from quantbench.system.terminal import harmless


def compared(
    found: SideBySide, files: tuple[str, str], results: tuple[Results, Results]
) -> RenderableType:
    """What differs comes first: it is what the figures below must be read with."""
    return Group(
        *listed(
            "Compared",
            (
                (letter, harmless(f"{file}: {one.model} on {one.data}, {_rows_of(one)}"))
                for letter, file, one in zip("AB", files, results, strict=True)
            ),
        ),
        Text(),
        _differences(found.differences),
        Text(),
        *(_rows(found) if found.pairs else [Text("No row is in both.")]),
        *_only("A", "B", found.only_one),
        *_only("B", "A", found.only_other),
    )


def _rows_of(results: Results) -> str:
    return count(len(results.rows), "row")


def _differences(differences: tuple[Difference, ...]) -> RenderableType:
    if not differences:
        return Text("Nothing that the files record differs.")
    table = titled("What differs")
    for heading in ("what", "A", "B"):
        table.add_column(heading, overflow="fold")
    for one in differences:
        table.add_row(*(Text(harmless(text)) for text in (one.what, one.one, one.other)))
    return table


def _rows(found: SideBySide) -> Iterable[RenderableType]:
    table = titled("Rows in both", narrow=True)
    table.add_column("method\n  runtime", overflow="fold")
    table.add_column()
    headings = [
        "bytes",
        *(() if found.no_accuracy else ("loss", "accuracy\n%", "95%\ninterval")),
        *(() if found.no_times else ("1 image\nµs", "largest\nµs")),
    ]
    for heading in headings:
        table.add_column(heading, justify="right", overflow="fold")
    for pair in found.pairs:
        table.add_row(*_cells(pair, found))
    yield table
    yield Text("A/B: A's figure over B's; above 1, B is smaller or faster.")
    yield from map(Text, _under_accuracy(found))
    yield from map(Text, _under_times(found))


def _under_accuracy(found: SideBySide) -> Iterable[str]:
    if found.no_accuracy:
        yield f"Accuracy and loss are not compared: {found.no_accuracy}."
    else:
        yield "Accuracy is not paired: the files hold no answers by image, so there is no"
        yield "test of the difference, and none is claimed."


def _under_times(found: SideBySide) -> Iterable[str]:
    times = [
        (pair, one) for pair in found.pairs for one in (pair.batch1, pair.largest_batch) if one
    ]
    if found.no_times:
        yield f"Times are not compared: the machines differ ({found.no_times})."
    elif not times:
        yield "Times are not compared: none is of the same batch and threads in both."
    else:
        yield f"Times: of an image, model only; {_where([one for _, one in times])}."
        yield "They are not paired by round, for the runs were apart: A/B is the ratio of two"
        yield "medians, has no interval and claims nothing. Measure both in one run for that."
        if found.versions:
            said = (f"{one.what} ({one.one} and {one.other})" for one in found.versions)
            yield harmless(f"Between the runs changed: {joined(said)}.")
        if any(
            is_unstable(pair.one, one.one) or is_unstable(pair.other, one.other)
            for pair, one in times
        ):
            yield f"{UNSTABLE} Unstable in its own run."


def _where(times: list[Times]) -> str:
    batches = joined(f"{n:,}" for n in sorted({x.one.batch for x in times} - {1}))
    threads = sorted({x.one.threads for x in times})
    noun = "thread" if threads == [1] else "threads"
    return f"largest batch in both: {batches}; {joined(map(str, threads))} {noun}"


def _cells(pair: Pair, found: SideBySide) -> Iterable[Text]:
    rows = pair.one, pair.other
    yield _lines(pair.one.method, f"  {pair.one.runtime}")
    yield _lines("A", "B", "A/B")
    sizes = [row.bytes for row in rows]
    yield _lines(*(f"{size:,}" for size in sizes), _times(sizes[0] / sizes[1]) if sizes[1] else "")
    if not found.no_accuracy:
        yield _lines(*(NONE if row.loss is None else f"{row.loss:.4f}" for row in rows))
        scores = [row.accuracy for row in rows]
        yield _lines(*(f"{100 * score.value:.2f}" for score in scores))
        yield _lines(*(f"{100 * score.low:.2f}–{100 * score.high:.2f}" for score in scores))
    if not found.no_times:
        yield _timed(pair, pair.batch1)
        yield _timed(pair, pair.largest_batch)


def _timed(pair: Pair, times: Times | None) -> Text:
    if times is None:
        return _lines(NONE, NONE)
    return _lines(
        _median(pair.one, times.one), _median(pair.other, times.other), _times(times.ratio)
    )


def _median(row: Row, latency: Latency) -> str:
    return marked(row, latency, significant(latency.median))


def _times(value: float) -> str:
    return f"{ratio(value)}×"


def _lines(*lines: str) -> Text:
    return Text("\n".join(map(harmless, lines)))


def _only(there: str, missing: str, rows: tuple[Only, ...]) -> Iterable[RenderableType]:
    return listed(
        f"Only in {there}",
        ((harmless(row_name(one.row)), harmless(_reason(missing, one.reason))) for one in rows),
    )


def _reason(missing: str, reason: str | None) -> str:
    return f"{missing}: {reason}" if reason else f"{missing} doesn't say why"
