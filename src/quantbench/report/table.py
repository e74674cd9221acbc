"""What stands on the screen at the end of a run.

Each row has two lines: the figure, and below it what qualifies the figure. So the tables fit
80 columns, and nothing uncertain is far from the number it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from quantbench.environment import overloaded
from quantbench.records import Environment, Latency, Ratio, Results, Row
from quantbench.report._stability import is_unstable, unstable
from quantbench.report._words import (
    ALPHA,
    IMAGES,
    NONE,
    Kind,
    count,
    covered,
    fastest_of,
    integer_instructions,
    joined,
    large,
    p_value,
    percent,
    ratio,
    row_name,
    seconds,
    shown,
    significant,
    small,
    speed_of,
    verdict,
)

UNSTABLE = "!"
_EMPHASIS = {"worse": "red", "better": "green"}


def comparison(results: Results) -> RenderableType:
    """Two tables, then what a reader must know to believe them."""
    title = (
        f"{results.model} on {results.data}: {results.parameters:,} parameters, "
        f"{results.macs:,} multiply-adds an image"
    )
    return Group(
        Text(title, style="bold"),
        Text(),
        _size_and_accuracy(results.rows),
        Text(
            "lost: images that only float32 in the same engine gets right; gained: only this.\n"
            f"p: exact McNemar test; no difference is shown unless p < {ALPHA}."
        ),
        Text(),
        _time(results.rows),
        *(Text(line) for line in _under_time(results)),
        Text(),
        _best(results.rows),
        *(Text(line) for line in _under_best()),
        *_listed(
            f"{UNSTABLE} Unstable: repeat on an idle machine",
            ((row_name(row), "; ".join(unstable(row))) for row in results.rows if unstable(row)),
        ),
        Text(),
        *_listed("What each row is", ((row_name(row), _described(row)) for row in results.rows)),
        *_listed(
            "Not measured",
            ((f"{skip.method} on {skip.runtime}", skip.reason) for skip in results.skipped),
        ),
        *_listed("Measured on", _machine(results.environment)),
    )


def _size_and_accuracy(rows: tuple[Row, ...]) -> Table:
    table = _table(
        "Size and accuracy",
        "bytes\nfloat/this",
        "loss",
        "accuracy %\n95% interval",
        "images lost / gained, p\nagainst float32",
    )
    for row in rows:
        against = row.against_float
        accuracy = row.accuracy
        table.add_row(
            _name(row),
            _cell(f"{row.bytes:,}", f"{ratio(against.bytes_ratio)}×" if against else ""),
            _cell(NONE if row.loss is None else f"{row.loss:.4f}"),
            _cell(
                f"{100 * accuracy.value:.2f}", f"{100 * accuracy.low:.2f}–{100 * accuracy.high:.2f}"
            ),
            _cell(
                f"{against.only_float_right} / {against.only_this_right}, "
                f"{p_value(against.mcnemar_p)}",
                verdict(against),
            )
            if against
            else _cell(NONE, "baseline"),
        )
    return table


def _time(rows: tuple[Row, ...]) -> Table:
    threads = joined(str(n) for n in sorted({row.threads for row in rows}))
    table = _table(
        f"Time, {threads} {'thread' if threads == '1' else 'threads'}",
        "1 image\nµs, p95",
        "speed\n95%",
        "model\nonly, s",
        "speed\n95%",
        "with\ndata, s",
        "speed\n95%",
    )
    for row in rows:
        one = small(row)
        table.add_row(
            _name(row),
            _cell(_marked(row, one, significant(one.median)), significant(one.p95))
            if one
            else _cell(NONE),
            _speed(row, one),
            *_total(row, "model"),
            *_total(row, "end_to_end"),
        )
    return table


def _best(rows: tuple[Row, ...]) -> Table:
    table = _table(
        "Against the fastest float32 of any engine",
        "1 image\n95%",
        "largest\nbatch, 95%",
        "images/s\nbatch×threads",
        "cold\nstart, s",
        "peak\nMB",
    )
    for row in rows:
        best = row.throughput
        table.add_row(
            _name(row),
            _ratio(fastest_of(row, small(row))),
            _ratio(fastest_of(row, large(row, "model"))),
            _cell(f"{best.images_per_second:,.0f}", f"{best.batch:,}×{best.threads}"),
            _cell(significant(row.cold_start)),
            _cell(f"{row.peak_memory / 1e6:,.0f}"),
        )
    return table


def _under_best() -> Iterable[str]:
    yield f"{NONE}: this row is the fastest float32 itself. images/s: at its best batch."
    yield "cold start: import, load and one answer. peak: of the worker, images included."


def _total(row: Row, kind: Kind) -> tuple[Text, Text]:
    latency = large(row, kind)
    if latency is None:
        return _cell(NONE), _cell(NONE)
    return _cell(_marked(row, latency, seconds(latency.median))), _speed(row, latency)


def _speed(row: Row, latency: Latency | None) -> Text:
    return _ratio(speed_of(row, latency))


def _ratio(speed: Ratio | None) -> Text:
    if speed is None:
        return _cell(NONE)
    return _cell(f"{ratio(speed.value)}×", f"{ratio(speed.low)}–{ratio(speed.high)}")


def _marked(row: Row, latency: Latency, number: str) -> str:
    return f"{UNSTABLE} {number}" if is_unstable(row, latency) else number


def _under_time(results: Results) -> Iterable[str]:
    batches = {x.batch for row in results.rows for x in shown(row) if x.batch > 1}
    if batches:
        yield (
            f"{IMAGES:,} images in batches of {joined(f'{n:,}' for n in sorted(batches))}: "
            "model only, then with reading the data."
        )
    yield "speed: float32's time over this row's in the same engine, paired by round;"
    yield "above 1 is faster, and an interval that holds 1 shows no difference."
    ratios = [x for row in results.rows if row.against_float for x in row.against_float.speed]
    if ratios:
        floor, starts = ratios[0].floor, ratios[0].starts
        spread = "the rounds" if starts == 1 else "the starts"
        yield (
            f"The interval is over {spread} ({count(starts, 'fresh start')} of each worker), "
            f"plus {percent(floor, 0)}."
        )
    yield (
        f"Reading {IMAGES:,} images takes {seconds(results.data_loading.median)} s "
        f"on {count(results.data_loading.threads, 'thread')}, whatever the model."
    )


def _described(row: Row) -> str:
    parts = [row.numerics]
    against = row.against_float
    if against and against.baseline != (same := f"float32 on {row.runtime}"):
        parts.append(f"compared with {against.baseline}, for want of {same}")
    if row.kind != "float":
        parts.append(covered(row.coverage))
    if row.kind == "simulated":
        parts.append("simulated: integer kernels never ran, so there is no time")
    if row.loss is None and row.loss_reason:
        parts.append(f"no loss: {row.loss_reason}")
    return "; ".join((*parts, *row.notes))


def _machine(environment: Environment) -> Iterable[tuple[str, str]]:
    yield (
        environment.cpu,
        f"{environment.architecture}, {integer_instructions(environment)}, "
        f"{count(environment.cores, 'core')}, {environment.system}",
    )
    yield (
        f"Python {environment.python}",
        ", ".join(f"{name} {version}" for name, version in environment.versions.items()),
    )
    if overloaded(environment):
        yield (
            f"{UNSTABLE} load {environment.load:.1f} at start",
            "other programs ran: repeat on an idle machine",
        )


def _listed(title: str, pairs: Iterable[tuple[str, str]]) -> Iterable[RenderableType]:
    """Names with a sentence each, which may take several lines; nothing where there are none."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold")
    for name, words in pairs:
        grid.add_row(Text(f"  {name}"), Text(words))
    return (Text(title, style="bold"), grid) if grid.row_count else ()


def _table(title: str, *headings: str) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column(Text("method\n  runtime"), overflow="fold")
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table


def _name(row: Row) -> Text:
    return _cell(row.method, f"  {row.runtime}")


def _cell(figure: str, qualifier: str = "") -> Text:
    return Text.assemble((figure, "bold"), "\n", (qualifier, _EMPHASIS.get(qualifier, "")))
