"""Recommend the row to ship, by the one rule that docs/measuring.md states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_ROUNDS
from quantbench.results.records import (
    Choice,
    MetricInfo,
    Recommendation,
    Results,
    Row,
    Share,
)
from quantbench.results.select import batch1, fastest_of, largest_batch
from quantbench.results.statistics import fastest, speed

Pick = Callable[[Row], Latency | None]


def with_recommendations(results: Results) -> Results:
    """The same results with their recommendations, and with the Pareto rows marked."""
    rows = results.rows
    marked = tuple(
        row.model_copy(update={"pareto": on_front})
        for row, on_front in zip(rows, pareto(rows, results.metric), strict=True)
    )
    return results.model_copy(update={"rows": marked, "answers": recommendations(rows)})


def pareto(rows: Sequence[Row], metric: MetricInfo) -> tuple[bool, ...]:
    """Whether each row is on the Pareto front of score, 1-sample latency and bytes.

    It is where no other row is at least as good in all three and better in one. A row without a
    time or a score is never on the front.
    """
    costs = [_costs(row, metric) for row in rows]
    return tuple(
        cost is not None and not any(rival is not None and _beats(rival, cost) for rival in costs)
        for cost in costs
    )


def recommendations(rows: Sequence[Row]) -> tuple[Recommendation, ...]:
    """One recommendation for one sample at a time, then one for the largest batch.

    Either is missing where no float32 was timed so.
    """
    picks: tuple[Pick, ...] = (batch1, partial(largest_batch, kind="model"))
    candidates = (_recommendation(rows, pick) for pick in picks)
    return tuple(choice for choice in candidates if choice is not None)


def _recommendation(rows: Sequence[Row], pick: Pick) -> Recommendation | None:
    timed = [(latency, row) for row in rows if (latency := pick(row)) is not None]
    floats = [(latency, row) for latency, row in timed if row.against_float is None]
    if not floats:
        return None
    compared_with = {x.baseline for latency, row in timed if (x := fastest_of(row, latency))}
    best, float32 = next(
        (pair for pair in floats if pair[1].name in compared_with), min(floats, key=_median)
    )
    candidates = (_choice(row, latency, float32) for latency, row in timed)
    choices = sorted((x for x in candidates if x is not None), key=lambda x: -x.speed.value)
    faster = [choice for choice in choices if choice.speed.verdict == "faster"]
    smaller = [choice for choice in choices if choice.bytes_saved > 0]
    ship = next((row for _, row in timed if faster and row.name == faster[0].row), None)
    return Recommendation(
        batch=best.batch,
        threads=best.threads,
        float32=float32.name,
        ship=faster[0] if faster else None,
        share=_share(ship, float32, floats, pick) if ship else None,
        # Rows of one artifact have equal bytes: max keeps the first, which is the fastest.
        smallest=None
        if faster
        else max(smaller, key=lambda choice: choice.bytes_saved, default=None),
    )


def _share(
    ship: Row, float32: Row, floats: Sequence[tuple[Latency, Row]], pick: Pick
) -> Share | None:
    """The runtime's share of the speed-up of `ship`.

    None where the fastest float32 is in another runtime, and where no other runtime has one.
    """
    others = [(latency, row) for latency, row in floats if row.runtime != float32.runtime]
    float_latency, ship_latency = pick(float32), pick(ship)
    if ship.runtime != float32.runtime or not others:
        return None
    if float_latency is None or ship_latency is None:
        return None
    if min(len(latency.rounds) for latency, _ in others) < MIN_ROUNDS:
        return None
    latency, rival = others[fastest([latency for latency, _ in others])]
    return Share(
        float32=rival.name,
        engine=speed(rival.name, latency, float_latency),
        whole=speed(rival.name, latency, ship_latency),
    )


def _choice(row: Row, latency: Latency, float32: Row) -> Choice | None:
    """The row as a choice; None for float32, fake quantization and what is worse or not judged."""
    against, speed = row.against_float, fastest_of(row, latency)
    if against is None or speed is None or row.kind != "real":
        return None
    if against.verdict in {"worse", "not judged"}:
        return None
    return Choice(
        row=row.name,
        bytes_saved=float32.bytes - row.bytes,
        speed=speed,
        difference=against.difference,
    )


def _median(timed: tuple[Latency, Row]) -> float:
    return timed[0].median


def _costs(row: Row, metric: MetricInfo) -> tuple[float, float, float] | None:
    """Score, 1-sample latency and bytes, the less the better; None without a time or a score."""
    latency, score = batch1(row), row.score
    if latency is None or score is None:
        return None
    return (-score.value if metric.higher_is_better else score.value, latency.median, row.bytes)


def _beats(rival: tuple[float, ...], cost: tuple[float, ...]) -> bool:
    return rival != cost and all(a <= b for a, b in zip(rival, cost, strict=True))
