"""What stands above the main table: the rest of what was measured, a line for each row."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from quantbench.report.terminal.cells import UNSTABLE, interval, marked
from quantbench.report.terminal.grid import titled
from quantbench.report.words import (
    IMAGES,
    NONE,
    count,
    covered,
    integer_instructions,
    joined,
    p_value,
    seconds,
    significant,
    verdict,
)
from quantbench.results.records import AgainstFloat, Results, Row
from quantbench.results.select import batch1, largest_batch, speed_of
from quantbench.results.statistics import ALPHA
from quantbench.system.machine import Environment, overloaded

_EMPHASIS = {"worse": "red", "better": "green"}


def accuracy_table(rows: Iterable[Row]) -> Table:
    table = _table(
        "Loss, images and memory", "loss", "lost", "gained", "p", "", "start\ns", "peak\nMB"
    )
    for row in rows:
        table.add_row(
            row.name,
            NONE if row.loss is None else f"{row.loss:.4f}",
            *_paired(row.against_float),
            significant(row.cold_start),
            f"{row.peak_memory / 1e6:,.0f}",
        )
    return table


def under_accuracy() -> Iterable[str]:
    yield "lost: images that only float32 in the same engine gets right; gained: only this."
    yield f"p: exact McNemar test; no difference is shown unless p < {ALPHA}."
    yield "start: import, load and one answer. peak: of the worker, images included."


def time_table(rows: Iterable[Row]) -> Table:
    table = _table(
        "Slowest calls, time with data, throughput",
        "p95\nµs",
        "p99\nµs",
        "data\ns",
        "speed\n95%",
        "images/s",
        "at",
    )
    for row in rows:
        one, whole, best = batch1(row), largest_batch(row, "end_to_end"), row.throughput
        table.add_row(
            row.name,
            *((significant(one.p95), significant(one.p99)) if one else (NONE, NONE)),
            marked(row, whole, seconds(whole.median)) if whole else NONE,
            interval(speed_of(row, whole)),
            f"{best.images_per_second:,.0f}",
            f"{best.batch:,}×{best.threads}",
        )
    return table


def under_time(results: Results) -> Iterable[str]:
    yield "p95, p99: of calls with one image. at: the best batch × threads."
    batches = {x.batch for row in results.rows if (x := largest_batch(row, "end_to_end"))}
    if batches:
        yield (
            f"data: {IMAGES:,} images in batches of {joined(f'{n:,}' for n in sorted(batches))}, "
            "reading included."
        )
    yield (
        f"Reading alone takes {seconds(results.data_loading.median)} s "
        f"on {count(results.data_loading.threads, 'thread')}, whatever the model."
    )


def described(rows: Iterable[Row]) -> Iterable[tuple[str, str]]:
    """Each artifact once, with its engines only where a method has several."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        found.setdefault((row.method, _described(row)), []).append(row.runtime)
    methods = [method for method, _ in found]
    for (method, words), runtimes in found.items():
        alone = methods.count(method) == 1
        yield method if alone else f"{method} on {joined(runtimes)}", words


def machine(environment: Environment) -> Iterable[tuple[str, str]]:
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


def _paired(against: AgainstFloat | None) -> tuple[str, str, str, Text]:
    if against is None:
        return NONE, NONE, NONE, Text()
    word = verdict(against)
    return (
        f"{against.only_float_right:,}",
        f"{against.only_this_right:,}",
        p_value(against.mcnemar_p).removeprefix("p").removeprefix("="),
        Text(word if word in _EMPHASIS else "", _EMPHASIS.get(word, "")),
    )


def _described(row: Row) -> str:
    parts = [row.numerics.text]
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


def _table(title: str, *headings: str) -> Table:
    table = titled(title, narrow=True)
    table.add_column(Text("row"), overflow="fold")
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table
