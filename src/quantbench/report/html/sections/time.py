"""The section on the time split: a bar for each row, divided into parts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from quantbench.explain.records import Part as TimePart
from quantbench.explain.records import Peaks, TimeSplit, Unsplit
from quantbench.report.html.parts import (
    Figure,
    Heading,
    Key,
    Part,
    Report,
    Section,
    Words,
    numbers,
)
from quantbench.report.svg.bars import Bar, bars
from quantbench.report.svg.bars import Part as Piece
from quantbench.report.svg.marks import Series
from quantbench.report.words import count, joined, percent, significant

_TITLE = "Where the time goes"
_PARTS: dict[TimePart, tuple[str, str]] = {
    "integer": ("integer layers", "c0"),
    "float": ("float layers", "c1"),
    "conversion": ("quantize, dequantize, reorder", "c3"),
    "other": ("other operators", "c5"),
    "call": ("fixed cost of a call", "c7"),
}
"""Part -> its name and the class of its colour."""
_SLOWEST = 12
"""Layers of a row that are listed."""


def section(report: Report) -> Section | None:
    """The section of the time split; None without an explanation of it."""
    explanation = report.explanation
    if explanation is None or not explanation.times:
        return None
    parts: list[Part] = [
        part for (batch, threads) in _cells(explanation.times)
        for part in _cell(explanation.times, batch, threads)
    ]  # fmt: skip
    parts.extend(_layers(explanation.times))
    if explanation.peaks is not None:
        parts.append(_peaks(explanation.peaks))
    if explanation.unsplit:
        parts.append(Words(f"Not split: {_unsplit(explanation.unsplit)}."))
    return Section("time", _TITLE, tuple(parts))


def _cells(times: tuple[TimeSplit, ...]) -> list[tuple[int, int]]:
    return sorted({(split.batch, split.threads) for split in times})


def _cell(times: tuple[TimeSplit, ...], batch: int, threads: int) -> Iterator[Part]:
    splits = sorted(
        (x for x in times if (x.batch, x.threads) == (batch, threads)), key=lambda x: x.total_us
    )
    used = [part for part in _PARTS if any(split.parts.get(part) for split in splits)]
    limited = any(split.limit for split in splits)
    first = splits[0]
    rest = ", ".join(
        f"{percent(first.parts.get(part, 0.0) / _whole(first), 0)} {_PARTS[part][0]}"
        for part in used
        if first.parts.get(part)
    )
    mark = " The line across a bar is the least time that this CPU could take." if limited else ""
    yield Figure(
        f"Batch {batch:,}, {count(threads, 'thread')}: shares of a call",
        f"{count(len(splits), 'row')}, the fastest first. {first.row} takes "
        f"{significant(first.total_us)} µs: {rest}.{mark}",
        partial(bars, drawn=tuple(_bar(split, used) for split in splits)),
        numbers(
            f"time-split-batch-{batch}",
            (
                "row", "total µs", *(f"{_PARTS[part][0]} µs" for part in used),
                "limit µs", "bound by", "share of limit", "profiler",
            ),
            (
                (
                    split.row, split.total_us, *(split.parts.get(part, 0.0) for part in used),
                    *_limit(split), split.profiler,
                )
                for split in splits
            ),
        ),
        tuple(Key(_PARTS[part][0], Series(_PARTS[part][1])) for part in used),
    )  # fmt: skip


def _bar(split: TimeSplit, used: list[TimePart]) -> Bar:
    total = _whole(split)
    limit = split.limit
    return Bar(
        split.row,
        tuple(
            Piece(
                max(split.parts.get(part, 0.0), 0.0) / total,
                _PARTS[part][1],
                f"{split.row}: {_PARTS[part][0]} {significant(split.parts.get(part, 0.0))} µs, "
                f"{percent(max(split.parts.get(part, 0.0), 0.0) / total)}",
            )
            for part in used
        ),
        f"{significant(split.total_us)} µs",
        None if limit is None else limit.share,
    )


def _whole(split: TimeSplit) -> float:
    """The time that a bar's length stands for: that of the call, unless its parts are more."""
    return max(split.total_us, sum(max(us, 0.0) for us in split.parts.values()), 1e-9)


def _limit(split: TimeSplit) -> tuple[float | None, str | None, float | None]:
    if split.limit is None:
        return None, None, None
    limit = split.limit
    return max(limit.compute_us, limit.memory_us), limit.bound_by, limit.share


def _layers(times: tuple[TimeSplit, ...]) -> Iterator[Part]:
    layers = [
        (split, layer)
        for split in times
        for layer in sorted(split.layers, key=lambda layer: -layer.us)[:_SLOWEST]
    ]
    if not layers:
        return
    yield Heading(f"The slowest operators of each row, {_SLOWEST} at most")
    yield numbers(
        "time-by-operator",
        ("row", "batch", "operator", "kind", "part", "µs", "multiply-adds"),
        (
            (split.row, split.batch, x.name, x.kind, _PARTS[x.part][0], x.us, x.macs)
            for split, x in layers
        ),
        "Operators as the runtimes' own profilers name them, scaled to the unprofiled call",
        filtered=True,
    )


def _peaks(peaks: Peaks) -> Part:
    rates = (*peaks.macs_per_us.items(),)
    reading = (*peaks.bytes_per_us.items(),)
    return numbers(
        "peaks",
        ("what", "per µs", "of"),
        (
            *((name, rate, "multiply-adds") for name, rate in rates),
            *((f"reading, {name}", rate, "bytes") for name, rate in reading),
        ),
        "What one core of this CPU reaches, measured by small C programs",
    )


def _unsplit(rows: tuple[Unsplit, ...]) -> str:
    by_reason: dict[str, list[str]] = {}
    for each in rows:
        by_reason.setdefault(each.reason, []).append(each.row)
    return "; ".join(f"{joined(names)} ({reason})" for reason, names in by_reason.items())
