"""The tables of `--details`: the measurements that the first table has no room for."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from quantbench.harness.records import Instructions
from quantbench.report.scores import (
    amount_text,
    bounds_text,
    difference_cells,
    is_fraction,
    score_heading,
    signed,
)
from quantbench.report.terminal.cells import has_losses, interval, loss
from quantbench.report.terminal.grid import titled
from quantbench.report.terminal.numerics import LEGEND, coded
from quantbench.report.words import (
    IMAGES,
    NONE,
    count,
    covered,
    integer_instructions,
    joined,
    p_value,
    percent,
    seconds,
    significant,
    spread,
)
from quantbench.results.records import AgainstFloat, Results, Row
from quantbench.results.select import batch1, fastest_of, largest_batch, speed_of
from quantbench.results.speed import MARGIN
from quantbench.results.statistics import ALPHA
from quantbench.system.machine import Environment

_EMPHASIS = {"worse": "red", "better": "green"}
BUSY_OFF = 0.2
"""Busy processors, more or fewer than the threads asked for, that are still normal."""


def interval_table(results: Results, rows: Iterable[Row]) -> Table:
    """A table of number formats and intervals; a row has a line for each batch size."""
    table = _table(
        f"Formats and 95% intervals; above: one {results.sample}; below: the largest batch",
        f"{score_heading(results.metric)}\n95%",
        "speed: same\nruntime, 95%",
        "speed: fastest\nfloat32, 95%",
        "verdict",
    )
    for row in rows:
        single, batch = batch1(row), largest_batch(row, "model")
        fastest = fastest_of(row, single), fastest_of(row, batch)
        table.add_row(
            f"{row.name}\n  {coded(row)}",
            bounds_text(results.metric, row.score),
            f"{interval(speed_of(row, single))}\n{interval(speed_of(row, batch))}",
            "\n".join(map(interval, fastest)),
            "\n".join(speed.verdict if speed else NONE for speed in fastest),
        )
    return table


def under_intervals(results: Results) -> Iterable[str]:
    """The lines below the table of intervals."""
    ratios = [ratio for row in results.rows for ratio in row.against_fastest]
    yield (
        "speed: float32's time over this row's, paired slice by slice; an interval is over "
        "fresh starts where there are five or more, else over blocks."
    )
    if ratios:
        floors = sorted({ratio.floor for ratio in ratios})
        yield f"Intervals are wider by {joined(percent(x, 0) for x in floors)} on both sides."
    yield f"equivalent: the ratio is shown to be nearer to 1 than {percent(MARGIN, 0)}."
    yield LEGEND


def start_table(results: Results, rows: Iterable[Row]) -> Table:
    """A table of starts, spread, busy processors, cold start, memory, and counted instructions."""
    counted = any(row.instructions for row in results.rows)
    table = _table(
        "Starts and memory",
        "starts",
        f"spread\n1 {results.sample}",
        "spread\nlargest",
        "busy\nprocessors",
        "cold\nstart s",
        "peak\nMB",
        *(("instructions\nin thousands",) if counted else ()),
    )
    for row in rows:
        timed = batch1(row), largest_batch(row, "model")
        starts = max((len({*latency.starts}) for latency in row.latency), default=0)
        table.add_row(
            row.name,
            str(starts) if starts else NONE,
            *(NONE if latency is None else percent(spread(latency), 0) for latency in timed),
            f"{row.busy_threads:.1f}" if row.latency else NONE,
            significant(row.cold_start),
            f"{row.peak_memory / 1e6:,.0f}",
            *((_thousands(row.instructions),) if counted else ()),
        )
    return table


_COUNTED_BY = {
    "perf_event": "by the processor's counter",
    "valgrind": "in valgrind, whose processor has no AVX-512",
}


def _thousands(counted: Instructions | None) -> str:
    return NONE if counted is None else f"{counted.by_sample / 1e3:,.1f}"


def under_starts(results: Results) -> Iterable[str]:
    """The lines below the table of starts, with the rows that were more or less busy than asked."""
    yield "spread: of the middle half of the blocks, over their median."
    yield f"cold start: import, load, one answer. peak: of the worker, {results.sample}s included."
    by = {row.instructions.source for row in results.rows if row.instructions}
    for source in sorted(by):
        yield f"instructions: of a call for one {results.sample}, {_COUNTED_BY[source]}; no time."
    for row in results.rows:
        if row.latency and row.busy_threads > row.threads + BUSY_OFF:
            yield (
                f"{row.name} kept {row.busy_threads:.1f} processors busy, asked for {row.threads}."
            )
        elif row.latency and row.busy_threads < 1 - BUSY_OFF:
            yield f"{row.name} got only {row.busy_threads:.1f} of a processor."


def score_table(results: Results, rows: Iterable[Row]) -> Table:
    """A table of the rows' differences to float32, with their loss.

    For a metric of right and wrong, the differences are the samples lost and gained.
    """
    counted = results.metric.kind == "right_or_wrong"
    with_loss = has_losses(results)
    subjects = f"{results.sample}s" if counted else results.metric.title
    table = _table(
        f"Loss and {subjects}" if with_loss else _sentence(subjects),
        *(("loss",) if with_loss else ()),
        *(("lost", "gained") if counted else ("differs\nfrom float", "95%")),
        "p",
        "p, all\nrows",
        "verdict",
    )
    for row in rows:
        against = row.against_float
        table.add_row(
            row.name,
            *((loss(row),) if with_loss else ()),
            *(_counts(row) if counted else _difference(row, results)),
            _p(against.p if against else None),
            _p(against.adjusted_p if against else None),
            _verdict(against),
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
        yield "p: exact McNemar test."
    yield f"p, all rows: adjusted for all of them (Holm); worse, better: below {ALPHA}."
    if metric.margin:
        yield f"worse: the difference is shown to be beyond {amount_text(metric, metric.margin)}."
    for row in results.rows:
        seeds = row.against_float.seeds if row.against_float else None
        if seeds is not None:
            each = ", ".join(signed(metric, value) for value in seeds.differences)
            yield f"{row.name}, by seed: {each}."
    if metric.equivalence:
        yield f"equivalent: shown to be within {amount_text(metric, metric.equivalence)}."


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
    return seconds(timed.median), interval(speed_of(row, timed))


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
    """Describe the machine: CPU, Python and libraries."""
    yield (
        environment.cpu,
        f"{environment.architecture}, {integer_instructions(environment)}, "
        f"{count(environment.cores, 'core')}, {environment.system}",
    )
    yield (
        f"Python {environment.python}",
        ", ".join(f"{name} {version}" for name, version in environment.versions.items()),
    )


def _counts(row: Row) -> tuple[str, str]:
    against = row.against_float
    if against is None:
        return NONE, NONE
    lost, gained = against.only_float_right, against.only_this_right
    return NONE if lost is None else f"{lost:,}", NONE if gained is None else f"{gained:,}"


def _p(p: float | None) -> str:
    return NONE if p is None else p_value(p).removeprefix("p").removeprefix("=")


def _difference(row: Row, results: Results) -> tuple[str, str]:
    against = row.against_float
    return difference_cells(results.metric, against.difference if against else None)


def _verdict(against: AgainstFloat | None) -> Text:
    if against is None:
        return Text(NONE)
    likely = ", likely worse" if against.costs and against.verdict != "worse" else ""
    return Text(f"{against.verdict}{likely}", _EMPHASIS.get(against.verdict, ""))


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
