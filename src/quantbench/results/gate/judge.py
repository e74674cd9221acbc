"""Judge two results.json, or two compiled networks, by rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from quantbench.errors import UnknownNameError, UsageError
from quantbench.harness.records import Latency
from quantbench.results.diff import SideBySide
from quantbench.results.gate.estimate import Estimate, Outcome, decide
from quantbench.results.gate.figures import (
    Figures,
    RowPair,
    cold_start_figures,
    instruction_figures,
    latency_figures,
    memory_figures,
    metric_figures,
    row_pair,
    size_figures,
    throughput_figures,
)
from quantbench.results.gate.limit import Limit, limit_of
from quantbench.results.gate.rule import Dimension, Rule
from quantbench.results.records import Results, Row

QUANTITIES: dict[str, Dimension] = {
    "latency": "time",
    "throughput": "rate",
    "bytes": "bytes",
    "size": "bytes",
    "cold_start": "time",
    "memory": "bytes",
    "instructions": "number",
}
"""The quantities that every row of a results.json has, besides its metrics."""
COMPILED: dict[str, Dimension] = {
    "flash": "bytes",
    "ram": "bytes",
    "stack": "bytes",
    "instructions": "number",
}
"""The quantities of a folder that `quantbench compile` wrote."""
_TIMED = ("latency", "throughput")


@dataclass(frozen=True)
class Judged:
    """One rule judged for one row; `row` is "" for a compiled network.

    `a` and `b` are the figures in the dimension's own unit, `estimate` is of what the limit is
    about. `reason` says why it isn't resolved, and what would, or what has to be known beside.
    """

    rule: Rule
    row: str
    dimension: Dimension
    limit: Limit
    outcome: Outcome
    a: float | None
    b: float | None
    estimate: Estimate | None
    reason: str = ""


def judge_results(
    rules: Sequence[Rule], a: Results, b: Results, comparison: SideBySide
) -> tuple[Judged, ...]:
    """Judge B against A. Raises UsageError for a quantity, row, batch or unit that isn't known."""
    return tuple(judged for rule in rules for judged in _by_rule(rule, a, b, comparison))


def judge_row(rule: Rule, row: str, dimension: Dimension, limit: Limit, figures: Figures) -> Judged:
    """Judge one row by its figures."""
    estimate = {
        "budget": figures.budget,
        "change": figures.change,
        "relative": figures.relative,
    }[limit.kind]
    outcome = (
        Outcome.NOT_RESOLVED
        if estimate is None
        else decide(estimate, limit.value, above=rule.above)
    )
    why = figures.reason if estimate is None else figures.remedy
    unresolved = why if outcome is Outcome.NOT_RESOLVED else ""
    note = figures.note if limit.kind != "budget" else ""
    return Judged(
        rule, row, dimension, limit, outcome, figures.a, figures.b, estimate,
        unresolved or note,
    )  # fmt: skip


def _by_rule(rule: Rule, a: Results, b: Results, comparison: SideBySide) -> Iterator[Judged]:
    dimension = _dimension(rule, a, b)
    if rule.batch is not None and rule.quantity not in _TIMED:
        raise UsageError(f"rule '{rule}': only {' and '.join(_TIMED)} are of a batch; drop @")
    limit = limit_of(rule, dimension)
    for name in _rows(rule, a, b):
        pair = row_pair(name, a, b, comparison)
        figures = Figures(None, None, None, reason=_gone(name, comparison))
        if pair is not None:
            figures = _figures(rule, pair)
        yield judge_row(rule, name, dimension, limit, figures)


def _dimension(rule: Rule, a: Results, b: Results) -> Dimension:
    """The dimension of a rule's quantity. Raises UsageError, UnknownNameError."""
    if rule.quantity in QUANTITIES:
        return QUANTITIES[rule.quantity]
    if rule.quantity in COMPILED:
        raise UsageError(
            f"rule '{rule}': a results.json has no {rule.quantity}; `quantbench compile` measures "
            "it: compare the two folders that it wrote"
        )
    units = {
        name: x.unit for file in (a, b) for row in file.rows for name, x in row.metrics.items()
    }
    units |= {file.metric.name: file.metric.unit for file in (a, b)}
    if rule.quantity not in units:
        known = (*QUANTITIES, *COMPILED, *units)
        raise UnknownNameError("quantity", rule.quantity, known, f"rule '{rule}'")
    return "fraction" if units[rule.quantity] == "fraction" else "number"


def _figures(rule: Rule, pair: RowPair) -> Figures:
    match rule.quantity:
        case "latency":
            return latency_figures(pair, _timed(rule, pair.b, rule.batch))
        case "throughput":
            batch = rule.batch or pair.b.throughput.batch
            return throughput_figures(pair, _timed(rule, pair.b, batch))
        case "bytes" | "size":
            return size_figures(pair)
        case "cold_start":
            return cold_start_figures(pair)
        case "memory":
            return memory_figures(pair)
        case "instructions":
            return instruction_figures(pair)
        case metric:
            return metric_figures(pair, metric)


def _timed(rule: Rule, row: Row, batch: int | None) -> Latency:
    """The model-only latency at a batch, None for the smallest, on the fewest threads.

    Raises UsageError where the row wasn't timed so.
    """
    model = [latency for latency in row.latency if latency.kind == "model"]
    smallest = min((latency.batch for latency in model), default=1)
    there = [latency for latency in model if latency.batch == (batch or smallest)]
    if not there:
        batches = ", ".join(str(n) for n in sorted({latency.batch for latency in model})) or "none"
        raise UsageError(
            f"rule '{rule}': B timed {row.name} at the batches {batches}, not {batch or smallest}"
        )
    return min(there, key=lambda latency: latency.threads)


def _rows(rule: Rule, a: Results, b: Results) -> tuple[str, ...]:
    """The names of the rows that a rule is about. Raises UsageError."""
    names = [row.name for row in b.rows]
    common = [row.name for row in a.rows if row.name in names]
    if rule.row is not None:
        known = (names, [row.name for row in a.rows])
        there = (tuple(n for n in rows if fnmatchcase(n, rule.row)) for rows in known)
        if matching := next(filter(None, there), None):
            return matching
        raise UnknownNameError("row", rule.row, {*known[0], *known[1]}, f"rule '{rule}'")
    if len(common) == 1 or len(names) == 1:
        return tuple(common[:1] or names)
    if not b.answers:
        raise UsageError(f"rule '{rule}': B recommends no row; name one: {rule.quantity}[ROW]")
    return _shipped(rule, b)


def _shipped(rule: Rule, b: Results) -> tuple[str, ...]:
    """The rows that B recommends, at the rule's batch where it is about a time."""
    batch = rule.batch
    if batch is None and rule.quantity in _TIMED:
        batch = b.answers[0 if rule.quantity == "latency" else -1].batch
    at_batch = [answer for answer in b.answers if answer.batch == batch] or b.answers
    return tuple(dict.fromkeys(x.float32 if x.ship is None else x.ship.row for x in at_batch))


def _gone(name: str, comparison: SideBySide) -> str:
    reasons = (x.reason for x in comparison.only_a if x.row.name == name and x.reason)
    return f"B has no row {name}{''.join(f': {reason}' for reason in reasons)}"
