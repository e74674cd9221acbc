"""The tables above the main one: the remaining measurements, a line for each row."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from quantbench.report.scores import difference_cells, is_fraction, margin_text
from quantbench.report.terminal.cells import UNSTABLE, has_losses, interval, loss, marked
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
)
from quantbench.results.records import AgainstFloat, Results, Row
from quantbench.results.select import batch1, largest_batch, speed_of
from quantbench.results.statistics import ALPHA
from quantbench.system.machine import Environment, overloaded

_EMPHASIS = {"worse": "red", "better": "green"}


def score_table(results: Results, rows: Iterable[Row]) -> Table:
    """A table of the rows' differences to float32, with their loss, cold start and peak memory.

    For a metric of right and wrong, the differences are the samples lost and gained.
    """
    counted = results.metric.kind == "right_or_wrong"
    with_loss = has_losses(results)
    subjects = f"{results.sample}s" if counted else results.metric.title
    table = _table(
        f"Loss, {subjects} and memory" if with_loss else _sentence(f"{subjects} and memory"),
        *(("loss",) if with_loss else ()),
        *(("lost", "gained", "p") if counted else ("differs\nfrom float", "95%")),
        "",
        "start\ns",
        "peak\nMB",
    )
    for row in rows:
        table.add_row(
            row.name,
            *((loss(row),) if with_loss else ()),
            *(_counts(row) if counted else _difference(row, results)),
            _verdict(row.against_float),
            significant(row.cold_start),
            f"{row.peak_memory / 1e6:,.0f}",
        )
    return table


def under_scores(results: Results) -> Iterable[str]:
    """The lines below the table of scores, which explain its columns."""
    metric, samples = results.metric, f"{results.sample}s"
    if metric.kind != "right_or_wrong":
        unit = "points" if is_fraction(metric) else metric.unit
        yield (
            f"differs: from float32 in the same runtime{f', in {unit}' if unit else ''}; paired by "
            f"{results.sample}: {_how(results)}."
        )
    elif metric.margin:
        yield f"lost: {samples} that tell it from float32 in the same runtime."
    else:
        yield f"lost: {samples} that only float32 in the same runtime has right; gained: only this."
        yield f"p: exact McNemar test; no difference is shown unless p < {ALPHA}."
    if metric.margin:
        yield f"worse: the interval of the difference lies beyond {margin_text(metric)}."
    yield f"start: import, load and one answer. peak: of the worker, {samples} included."


def _how(results: Results) -> str:
    ways = (row.against_float.difference for row in results.rows if row.against_float)
    return joined(dict.fromkeys(way.how for way in ways if way is not None))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def time_table(results: Results, rows: Iterable[Row]) -> Table:
    """A table of tail latencies, times with data loading where those were taken, and throughput."""
    loaded = results.data_loading is not None
    table = _table(
        f"Slowest calls, {'time with data, ' if loaded else ''}throughput",
        "p95\nµs",
        "p99\nµs",
        *(("data\ns", "speed\n95%") if loaded else ()),
        f"{results.sample}s/s",
        "at",
    )
    for row in rows:
        single, best = batch1(row), row.throughput
        table.add_row(
            row.name,
            *((significant(single.p95), significant(single.p99)) if single else (NONE, NONE)),
            *(_with_data(row) if loaded else ()),
            f"{best.images_per_second:,.0f}",
            f"{best.batch:,}×{best.threads}",
        )
    return table


def _with_data(row: Row) -> tuple[str, str]:
    timed = largest_batch(row, "end_to_end")
    if timed is None:
        return NONE, NONE
    return marked(row, timed, seconds(timed.median)), interval(speed_of(row, timed))


def under_time(results: Results) -> Iterable[str]:
    """The lines below the table of times, which explain its columns."""
    yield f"p95, p99: of calls with one {results.sample}. at: the best batch × threads."
    if results.data_loading is None:
        return
    batches = {x.batch for row in results.rows if (x := largest_batch(row, "end_to_end"))}
    if batches:
        yield (
            f"data: {IMAGES:,} {results.sample}s in batches of "
            f"{joined(f'{n:,}' for n in sorted(batches))}, reading included."
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


def _counts(row: Row) -> tuple[str, str, str]:
    against = row.against_float
    if against is None:
        return NONE, NONE, NONE
    p = NONE if against.p is None else p_value(against.p).removeprefix("p").removeprefix("=")
    lost, gained = against.only_float_right, against.only_this_right
    return NONE if lost is None else f"{lost:,}", NONE if gained is None else f"{gained:,}", p


def _difference(row: Row, results: Results) -> tuple[str, str]:
    against = row.against_float
    return difference_cells(results.metric, against.difference if against else None)


def _verdict(against: AgainstFloat | None) -> Text:
    word = against.verdict if against else ""
    return Text(word if word in _EMPHASIS else "", _EMPHASIS.get(word, ""))


def _described(row: Row) -> str:
    parts = [row.numerics.text]
    against = row.against_float
    if against and against.baseline != (missing := f"float32 on {row.runtime}"):
        parts.append(f"compared with {against.baseline}, for want of {missing}")
    if row.kind != "float":
        parts.append(covered(row.coverage))
    if row.kind == "simulated":
        parts.append("simulated: integer kernels never ran, so there is no time")
    if row.score is None:
        parts.append(f"not judged: {row.score_reason or 'its float32 has no score'}")
    return "; ".join((*parts, *row.notes))


def _table(title: str, *headings: str) -> Table:
    table = titled(title, narrow=True)
    table.add_column(Text("row"), overflow="fold")
    for heading in headings:
        table.add_column(Text(heading), justify="right", overflow="fold")
    return table
