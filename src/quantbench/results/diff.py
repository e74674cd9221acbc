"""Two results.json beside each other: what differs, and what may be compared at all.

Nothing is claimed here. The runs weren't interleaved, so their times can't be paired by round;
and results.json holds no answers, so accuracies can't be paired by image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from quantbench.harness.records import Latency
from quantbench.results.records import Results, Row
from quantbench.system.machine import Environment, overloaded

NONE = "none"
MEMORY_TOLERANCE = 0.02
"""What a kernel keeps for itself differs from version to version."""


@dataclass(frozen=True)
class Difference:
    what: str
    one: str
    other: str


@dataclass(frozen=True)
class Times:
    """Of one row in two runs, at the same batch and threads."""

    one: Latency
    other: Latency

    @property
    def ratio(self) -> float:
        """Above 1 the other is faster."""
        return self.one.median / self.other.median


@dataclass(frozen=True)
class Pair:
    """A row that is in both."""

    one: Row
    other: Row
    small: Times | None
    large: Times | None


@dataclass(frozen=True)
class Only:
    """A row that is in one; `reason` is why the other hasn't got it, where that is known."""

    row: Row
    reason: str | None


@dataclass(frozen=True)
class SideBySide:
    differences: tuple[Difference, ...]
    no_accuracy: str | None  # why accuracy and loss must not be compared
    no_times: str | None  # why times must not be
    versions: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    only_one: tuple[Only, ...]
    only_other: tuple[Only, ...]


def side_by_side(one: Results, other: Results) -> SideBySide:
    rows = {_name(row): row for row in one.rows}, {_name(row): row for row in other.rows}
    both = [(row, rows[1][name]) for name, row in rows[0].items() if name in rows[1]]
    no_times = _other_machine(one.environment, other.environment)
    versions = tuple(
        _unlike(dict(one.environment.versions), dict(other.environment.versions), "version of ")
    )
    return SideBySide(
        differences=(
            *_of_task(one, other),
            *_of_machine(one.environment, other.environment),
            *versions,
            *(difference for pair in both for difference in _of_row(*pair)),
        ),
        no_accuracy=_other_images(one, other),
        no_times=no_times,
        versions=versions,
        pairs=tuple(
            Pair(a, b, None, None)
            if no_times
            else Pair(a, b, _times(a, b, single=True), _times(a, b, single=False))
            for a, b in both
        ),
        only_one=tuple(_only(rows[0], other)),
        only_other=tuple(_only(rows[1], one)),
    )


def _name(row: Row) -> tuple[str, str]:
    return row.method, row.runtime


def _only(rows: Mapping[tuple[str, str], Row], other: Results) -> Iterator[Only]:
    there = {_name(row) for row in other.rows}
    for name, row in rows.items():
        if name not in there:
            yield Only(row, _why_skipped(row, other))


def _why_skipped(row: Row, results: Results) -> str | None:
    return next(
        (
            skip.reason
            for skip in results.skipped
            if skip.method in (row.method, "*") and skip.runtime in (row.runtime, "*")
        ),
        None,
    )


def _other_machine(one: Environment, other: Environment) -> str | None:
    """What tells the machines apart, in words; None where nothing does."""
    words = {"cpu": "CPU", "architecture": "architecture", "instruction_sets": "instruction sets",
             "cores": "usable cores"}  # fmt: skip
    differ = [word for name, word in words.items() if getattr(one, name) != getattr(other, name)]
    sizes = sorted((one.memory_bytes, other.memory_bytes))
    if sizes[1] - sizes[0] > MEMORY_TOLERANCE * sizes[1]:
        differ.append("memory")
    return ", ".join(differ) or None


def _other_images(one: Results, other: Results) -> str | None:
    tests = one.splits.get("test"), other.splits.get("test")
    if None in tests:
        return "a file doesn't say which test images it is about"
    return None if tests[0] == tests[1] else "the test images differ"


def _times(one: Row, other: Row, *, single: bool) -> Times | None:
    """Model only, at batch 1 or at the largest batch, where both were timed on as many threads.

    On the fewest threads, as in the report of each.
    """
    first, second = _timed(one, single=single), _timed(other, single=single)
    cell = max(first.keys() & second.keys(), key=lambda x: (x[0], -x[1]), default=None)
    return None if cell is None else Times(first[cell], second[cell])


def _timed(row: Row, *, single: bool) -> dict[tuple[int, int], Latency]:
    return {
        (x.batch, x.threads): x
        for x in row.latency
        if x.kind == "model" and (x.batch == 1) == single
    }


def _of_task(one: Results, other: Results) -> Iterator[Difference]:
    yield from _unlike(_task(one), _task(other))
    yield from _unlike(one.training.settings, other.training.settings, "training, ")
    yield from _unlike(_hashes(one), _hashes(other))


def _task(results: Results) -> dict[str, JsonValue]:
    return {
        "network": results.model,
        "data": results.data,
        "recipe": results.training.recipe,
        "seed": results.training.seed,
        "training, threads": results.training.threads,
    }


def _hashes(results: Results) -> dict[str, JsonValue]:
    """Cut to as much as a person compares."""
    found = {f"{name} split": value for name, value in results.splits.items()} | {
        "preprocessing": results.preprocessing_sha256,
        "checkpoint": results.checkpoint_sha256,
    }
    return {f"{name}, SHA-256": value[:12] for name, value in found.items()}


def _of_machine(one: Environment, other: Environment) -> Iterator[Difference]:
    yield from _unlike(_machine(one), _machine(other))
    if one.instruction_sets != other.instruction_sets:
        extra = [
            " ".join(name for name in mine.instruction_sets if name not in its.instruction_sets)
            for mine, its in ((one, other), (other, one))
        ]
        yield Difference("instruction sets only there", extra[0] or NONE, extra[1] or NONE)
    if overloaded(one) or overloaded(other):
        yield from _unlike({"load at start": one.load}, {"load at start": other.load})


def _machine(machine: Environment) -> dict[str, JsonValue]:
    return {
        "CPU": machine.cpu,
        "architecture": machine.architecture,
        "usable cores": machine.cores,
        "memory, GiB": round(machine.memory_bytes / 2**30, 2),
        "governor": machine.governor,
        "system": machine.system,
        "Python": machine.python,
    }


def _of_row(one: Row, other: Row) -> Iterator[Difference]:
    return _unlike(_how(one), _how(other), f"{one.method} on {one.runtime}, ")


def _how(row: Row) -> dict[str, JsonValue]:
    return {"format": row.format, "numerics": row.numerics, "kind": row.kind} | row.settings


def _unlike(
    one: Mapping[str, JsonValue], other: Mapping[str, JsonValue], of: str = ""
) -> Iterator[Difference]:
    for name in dict.fromkeys((*one, *other)):
        values = one.get(name), other.get(name)
        if values[0] != values[1]:
            yield Difference(f"{of}{name}", *map(_shown, values))


def _shown(value: JsonValue) -> str:
    if value is None:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)
