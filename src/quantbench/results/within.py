"""Choose the row to ship among those that are shown to keep limits.

The rule is that of docs/reading.md. A row keeps a limit only where all of its 95 % interval does;
one whose interval holds the limit may keep it, and isn't chosen. Ties follow results/recommend.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quantbench.errors import ResultsError, UsageError
from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_STARTS
from quantbench.results.gate.estimate import Estimate, Outcome, decide, estimate_of, exactly
from quantbench.results.gate.figures import latency_estimate
from quantbench.results.limits import Limits
from quantbench.results.recommend import first_of_the_fastest, keeps_from_shipping, trains
from quantbench.results.records import Results, Row
from quantbench.results.speed import MARGIN, fastest, log_ratio, speed

LIMITS = ("drop", "size", "latency")


@dataclass(frozen=True)
class Kept:
    """Whether a row keeps one limit: `name` is of LIMITS, `bound` and the estimate in its unit."""

    name: str
    bound: float
    estimate: Estimate | None
    outcome: Outcome
    reason: str = ""
    """Why there is no estimate."""


@dataclass(frozen=True)
class Rated:
    """A row with what is known of each limit, or the reason why it isn't shipped in any case."""

    row: Row
    drop: Estimate | None
    latency: Latency | None
    checks: tuple[Kept, ...]
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether it is shown to keep every limit."""
        return not self.reason and all(x.outcome is Outcome.PASS for x in self.checks)

    @property
    def may_pass(self) -> bool:
        """Whether it isn't shown to break a limit, but not shown to keep all either."""
        broken = any(x.outcome is Outcome.FAIL for x in self.checks)
        return not self.reason and not broken and not self.passes

    @property
    def is_float(self) -> bool:
        """Whether it is a float32 that others are compared with."""
        return self.row.against_float is None


@dataclass(frozen=True)
class Selection:
    """The row to ship within limits, the next best, and what became of every row."""

    limits: Limits
    rows: tuple[Rated, ...]
    chosen: Rated | None
    runner_up: Rated | None
    ties: tuple[str, ...] = ()
    """Names of rows that are as good as the chosen one, within the margin of the verdicts."""

    @property
    def keeps_float(self) -> bool:
        """Whether the answer is to keep float32."""
        return self.chosen is not None and self.chosen.is_float

    def excluded_by(self, limit: str) -> tuple[Rated, ...]:
        """The rows that are shown to break a limit."""
        return tuple(
            rated
            for rated in self.rows
            if not rated.reason
            and any(x.name == limit and x.outcome is Outcome.FAIL for x in rated.checks)
        )

    @property
    def may_pass(self) -> tuple[Rated, ...]:
        """The rows that may keep all limits, but aren't shown to."""
        return tuple(rated for rated in self.rows if rated.may_pass)


def select_within(results: Results, limits: Limits) -> Selection:
    """Choose among a study's rows.

    Raises UsageError for a batch that no row was timed at, and ResultsError for times that don't
    belong together.
    """
    if limits.batch is not None:
        _require_batch(results, limits.batch)
    try:
        return _select(results, limits)
    except (ValueError, ZeroDivisionError) as error:  # a file may say anything of its blocks
        raise ResultsError(f"the times of the rows can't be compared: {error}") from error


def _select(results: Results, limits: Limits) -> Selection:
    rows = tuple(_rated(row, results, limits) for row in results.rows)
    order = _ORDERS[limits.minimize]
    chosen, ties = order([rated for rated in rows if rated.passes], results)
    if chosen is None:
        return Selection(limits, rows, None, None)
    left = [rated for rated in rows if rated.passes and rated is not chosen]
    runner_up, _ = order(left, results)
    return Selection(limits, rows, chosen, runner_up, ties)


def _rated(row: Row, results: Results, limits: Limits) -> Rated:
    drop, latency = _drop(row, results), _timed(row, limits.batch)
    float_score = row.score.value if row.score else 0.0
    against = row.against_float
    if against is not None and against.difference is not None:
        float_score -= against.difference.value
    checks = []
    if limits.max_drop is not None:
        bound = limits.max_drop.of(float_score)
        checks.append(_kept("drop", bound, drop, "its score has no interval"))
    if limits.max_size is not None:
        checks.append(_kept("size", limits.max_size, exactly(row.bytes), ""))
    if limits.max_latency is not None:
        reason = "it wasn't timed so" if latency is None else "its blocks are too few"
        checks.append(_kept("latency", limits.max_latency, _of_time(latency), reason))
    return Rated(row, drop, latency, tuple(checks), _why_never(row, limits))


def _of_time(latency: Latency | None) -> Estimate | None:
    """The median with the bounds of its interval, None where its blocks are too few."""
    known = None if latency is None else latency_estimate(latency)
    if latency is None or known is None:
        return None
    return Estimate(latency.median, min(known.low, latency.median), max(known.high, latency.median))


def _why_never(row: Row, limits: Limits) -> str:
    """The reason why a row isn't shipped whatever the limits, or ""."""
    against = row.against_float
    if row.kind == "simulated":
        return "simulated: its integer kernels never ran"
    if row.kind == "float" and against is not None:
        return "nothing of it runs on integers"
    if limits.max_drop is None and against is not None:
        if against.verdict == "not judged":
            return "not judged"
        if keeps_from_shipping(against.verdict, costs=against.costs):
            return "worse than float32"
    return ""


def _drop(row: Row, results: Results) -> Estimate | None:
    """The loss of the score against float32's, in the metric's unit; below 0, it is better."""
    if row.against_float is None:
        return exactly(0.0)
    difference = estimate_of(row.against_float.difference)
    if difference is None:
        return None
    return (
        difference.mapped(lambda value: -value) if results.metric.higher_is_better else difference
    )


def _timed(row: Row, batch: int | None) -> Latency | None:
    """The model-only latency at a batch, None for the smallest, on the fewest threads."""
    model = [latency for latency in row.latency if latency.kind == "model"]
    wanted = batch or min((latency.batch for latency in model), default=1)
    there = [latency for latency in model if latency.batch == wanted]
    return min(there, key=lambda latency: latency.threads, default=None)


def _require_batch(results: Results, batch: int) -> None:
    known = {x.batch for row in results.rows for x in row.latency if x.kind == "model"}
    if batch not in known:
        batches = ", ".join(map(str, sorted(known))) or "none"
        raise UsageError(f"--batch {batch}: the study timed the batches {batches}")


def _kept(name: str, bound: float, estimate: Estimate | None, reason: str) -> Kept:
    if estimate is None:
        return Kept(name, bound, None, Outcome.NOT_RESOLVED, reason)
    return Kept(name, bound, estimate, decide(estimate, bound, above=True))


_Order = Callable[[Sequence[Rated], Results], tuple[Rated | None, tuple[str, ...]]]


def _by_latency(
    rows: Sequence[Rated],
    results: Results,  # noqa: ARG001
) -> tuple[Rated | None, tuple[str, ...]]:
    """The first of the fastest; of quantized rows only one that is shown faster than float32."""
    timed = [(rated.latency, rated.row) for rated in rows if rated.latency is not None]
    floats = [(rated.latency, rated.row) for rated in rows if rated.is_float and rated.latency]
    quantized = [rated for rated in rows if not rated.is_float]
    names = {rated.row.name for rated in quantized}
    if floats:
        best, float32 = floats[fastest([latency for latency, _ in floats])]
        names = _shown_faster(quantized, float32.name, best)
        names = names or {row.name for _, row in floats}
    row, ties = first_of_the_fastest(timed, names)
    return next((rated for rated in rows if rated.row is row), None), ties


def _shown_faster(rows: Sequence[Rated], name: str, float_latency: Latency) -> set[str]:
    """The names of rows that are faster than float32, for all that could be chosen at once."""
    timed = [(rated.row.name, rated.latency) for rated in rows if rated.latency is not None]
    among = max(1, sum(len({*latency.starts}) >= MIN_STARTS for _, latency in timed))
    return {
        row
        for row, latency in timed
        if speed(name, float_latency, latency, among=among).verdict == "faster"
    }


def _by_size(
    rows: Sequence[Rated],
    results: Results,  # noqa: ARG001
) -> tuple[Rated | None, tuple[str, ...]]:
    """The row with the fewest bytes; of those with as many the fastest, then by name."""
    least = min((rated.row.bytes for rated in rows), default=0)
    smallest = [rated for rated in rows if rated.row.bytes == least]
    timed = [(rated.latency, rated.row) for rated in smallest if rated.latency is not None]
    row, _ = first_of_the_fastest(timed, {row.name for _, row in timed})
    chosen = next((rated for rated in smallest if rated.row is row), next(iter(smallest), None))
    return chosen, tuple(rated.row.name for rated in smallest if rated is not chosen)


def _by_drop(rows: Sequence[Rated], results: Results) -> tuple[Rated | None, tuple[str, ...]]:
    """The row whose drop is shown to be smallest, by the upper bound of its interval.

    Rows whose bound is within the metric's equivalence of it are a tie: of these the one with the
    fewest bytes, then the fastest, then one whose method doesn't train, then by name.
    """
    known = [(rated.drop.high, rated) for rated in rows if rated.drop is not None]
    least = min((high for high, _ in known), default=0.0)
    near = [rated for high, rated in known if high <= least + results.metric.equivalence]
    ordered = sorted(near, key=lambda x: (x.row.bytes, _rank(x, near), trains(x.row), x.row.name))
    return next(iter(ordered), None), tuple(rated.row.name for rated in ordered[1:])


def _rank(rated: Rated, rows: Sequence[Rated]) -> int:
    """0 for rows that are as fast as the fastest, 1 for slower ones, 2 for those without a time."""
    times = [x.latency for x in rows if x.latency is not None]
    if rated.latency is None:
        return 2
    return int(log_ratio(rated.latency, times[fastest(times)]) > math.log1p(MARGIN))


_ORDERS: dict[str, _Order] = {"latency": _by_latency, "size": _by_size, "drop": _by_drop}
