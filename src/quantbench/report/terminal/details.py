"""The tables above the main one: the remaining measurements, a line for each row."""

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
    """A table of loss, images lost and gained against float32, cold start and peak memory."""
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
    """The lines below the table of accuracies, which explain its columns."""
    yield "lost: images that only float32 in the same engine gets right; gained: only this."
    yield f"p: exact McNemar test; no difference is shown unless p < {ALPHA}."
    yield "start: import, load and one answer. peak: of the worker, images included."


def time_table(rows: Iterable[Row]) -> Table:
    """A table of tail latencies, times with data loading, and throughput."""
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
        single, with_data = batch1(row), largest_batch(row, "end_to_end")
        best = row.throughput
        table.add_row(
            row.name,
            *((significant(single.p95), significant(single.p99)) if single else (NONE, NONE)),
            marked(row, with_data, seconds(with_data.median)) if with_data else NONE,
            interval(speed_of(row, with_data)),
            f"{best.images_per_second:,.0f}",
            f"{best.batch:,}×{best.threads}",
        )
    return table


def under_time(results: Results) -> Iterable[str]:
    """The lines below the table of times, which explain its columns."""
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
    """Describe each artifact once: its name and a sentence.

    The name includes the runtimes only where a method has several descriptions.
    """
    runtimes_of: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        runtimes_of.setdefault((row.method, _described(row)), []).append(row.runtime)
    methods = [method for method, _ in runtimes_of]
    for (method, words), runtimes in runtimes_of.items():
        alone = methods.count(method) == 1
        yield method if alone else f"{method} on {joined(runtimes)}", words


def machine(environment: Environment) -> Iterable[tuple[str, str]]:
    """Describe the machine: CPU, Python and libraries, and its load where that was high."""
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
    if against and against.baseline != (missing := f"float32 on {row.runtime}"):
        parts.append(f"compared with {against.baseline}, for want of {missing}")
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
