"""Compare two results.json, A and B: what differs, and which figures may be compared at all.

No difference is claimed. The runs weren't interleaved, so their times can't be paired by round;
results.json holds no predictions, so scores can't be paired by sample.
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
"""Share of the memory that may differ: kernels reserve more or less by their version."""


@dataclass(frozen=True)
class Difference:
    """A property whose values in A and B differ; both values are texts."""

    name: str
    a: str
    b: str


@dataclass(frozen=True)
class Times:
    """The latencies of one row in A and B, at the same batch and threads."""

    a: Latency
    b: Latency

    @property
    def ratio(self) -> float:
        """Median of A over median of B: above 1, B is faster."""
        return self.a.median / self.b.median


@dataclass(frozen=True)
class Pair:
    """A row that is in A and in B; times are None where they may not be compared."""

    a: Row
    b: Row
    batch1: Times | None
    largest_batch: Times | None


@dataclass(frozen=True)
class Only:
    """A row of one file alone; `reason` says why the other lacks it, where that is known."""

    row: Row
    reason: str | None


@dataclass(frozen=True)
class SideBySide:
    """The comparison of A and B; `versions` are also among `differences`."""

    differences: tuple[Difference, ...]
    no_scores: str | None  # why scores and losses may not be compared
    no_times: str | None  # why times may not be compared
    versions: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    only_a: tuple[Only, ...]
    only_b: tuple[Only, ...]


def side_by_side(a: Results, b: Results) -> SideBySide:
    """Compare two results. Times are left out where the machines differ."""
    rows = {_name(row): row for row in a.rows}, {_name(row): row for row in b.rows}
    both = [(row, rows[1][name]) for name, row in rows[0].items() if name in rows[1]]
    no_times = _machine_difference(a.environment, b.environment)
    versions = tuple(
        _unlike(dict(a.environment.versions), dict(b.environment.versions), "version of ")
    )
    return SideBySide(
        differences=(
            *_of_task(a, b),
            *_of_machine(a.environment, b.environment),
            *versions,
            *(difference for pair in both for difference in _of_row(*pair)),
        ),
        no_scores=_judged_unlike(a, b),
        no_times=no_times,
        versions=versions,
        pairs=tuple(
            Pair(a, b, None, None)
            if no_times
            else Pair(a, b, _times(a, b, single=True), _times(a, b, single=False))
            for a, b in both
        ),
        only_a=tuple(_only(rows[0], b)),
        only_b=tuple(_only(rows[1], a)),
    )


def _name(row: Row) -> tuple[str, str]:
    return row.method, row.runtime


def _only(rows: Mapping[tuple[str, str], Row], other: Results) -> Iterator[Only]:
    names = {_name(row) for row in other.rows}
    for name, row in rows.items():
        if name not in names:
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


def _machine_difference(a: Environment, b: Environment) -> str | None:
    """The properties in which the machines differ, joined in a text; None where none does."""
    words = {"cpu": "CPU", "architecture": "architecture", "instruction_sets": "instruction sets",
             "cores": "usable cores"}  # fmt: skip
    differ = [word for name, word in words.items() if getattr(a, name) != getattr(b, name)]
    sizes = sorted((a.memory_bytes, b.memory_bytes))
    if sizes[1] - sizes[0] > MEMORY_TOLERANCE * sizes[1]:
        differ.append("memory")
    return ", ".join(differ) or None


def _judged_unlike(a: Results, b: Results) -> str | None:
    """The reason why scores may not be compared; None where they may."""
    tests = a.splits.get("test"), b.splits.get("test")
    if None in tests:
        return f"a file doesn't say which test {a.sample}s it is about"
    if tests[0] != tests[1]:
        return f"the test {a.sample}s differ"
    if a.metric.name != b.metric.name:
        return f"A is judged by {a.metric.title}, B by {b.metric.title}"
    return None


def _times(a: Row, b: Row, *, single: bool) -> Times | None:
    """The model-only times at batch 1 or at the largest batch that both rows have.

    Both are on the same number of threads, the fewest possible, as in the report of each.
    """
    first, second = _timed(a, single=single), _timed(b, single=single)
    cell = max(first.keys() & second.keys(), key=lambda x: (x[0], -x[1]), default=None)
    return None if cell is None else Times(first[cell], second[cell])


def _timed(row: Row, *, single: bool) -> dict[tuple[int, int], Latency]:
    return {
        (x.batch, x.threads): x
        for x in row.latency
        if x.kind == "model" and (x.batch == 1) == single
    }


def _of_task(a: Results, b: Results) -> Iterator[Difference]:
    yield from _unlike(_task(a), _task(b))
    settings = [x.training.settings if x.training else {} for x in (a, b)]
    yield from _unlike(settings[0], settings[1], "training, ")
    yield from _unlike(_hashes(a), _hashes(b))


def _task(results: Results) -> dict[str, JsonValue]:
    training = results.training
    trained: dict[str, JsonValue] = {} if training is None else {
        "recipe": training.recipe,
        "seed": training.seed,
        "training, threads": training.threads,
    }  # fmt: skip
    return {
        "network": results.model,
        "data": results.data,
        "metric": results.metric.title,
        **trained,
    }


def _hashes(results: Results) -> dict[str, JsonValue]:
    """The hashes, cut to the first 12 digits, which are enough for a reader to compare."""
    hashes = {f"{name} split": value for name, value in results.splits.items()}
    hashes |= {
        "preprocessing": results.preprocessing_sha256 or NONE,
        "network": results.network_sha256,
    }
    return {f"{name}, SHA-256": value[:12] for name, value in hashes.items()}


def _of_machine(a: Environment, b: Environment) -> Iterator[Difference]:
    yield from _unlike(_machine(a), _machine(b))
    if a.instruction_sets != b.instruction_sets:
        extra = [
            " ".join(name for name in x.instruction_sets if name not in y.instruction_sets)
            for x, y in ((a, b), (b, a))
        ]
        yield Difference("instruction sets only there", extra[0] or NONE, extra[1] or NONE)
    if overloaded(a) or overloaded(b):
        yield from _unlike({"load at start": a.load}, {"load at start": b.load})


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


def _of_row(a: Row, b: Row) -> Iterator[Difference]:
    return _unlike(_how(a), _how(b), f"{a.method} on {a.runtime}, ")


def _how(row: Row) -> dict[str, JsonValue]:
    return {"format": row.format, "numerics": row.numerics.text, "kind": row.kind} | row.settings


def _unlike(
    a: Mapping[str, JsonValue], b: Mapping[str, JsonValue], of: str = ""
) -> Iterator[Difference]:
    for name in dict.fromkeys((*a, *b)):
        values = a.get(name), b.get(name)
        if values[0] != values[1]:
            yield Difference(f"{of}{name}", *map(_shown, values))


def _shown(value: JsonValue) -> str:
    if value is None:
        return NONE
    return value if isinstance(value, str) else json.dumps(value)
