"""Recommend the row to ship, by the one rule that docs/measuring.md states."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial

from quantbench.harness.records import Latency
from quantbench.harness.schedule import MIN_STARTS
from quantbench.results.records import (
    Choice,
    MetricInfo,
    Recommendation,
    Results,
    Row,
    Share,
    Verdict,
)
from quantbench.results.select import batch1, fastest_of, largest_batch
from quantbench.results.speed import as_fast, fastest, speed

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
    front = iter(on_front([cost for cost in costs if cost is not None]))
    return tuple(cost is not None and next(front) for cost in costs)


def on_front(costs: Sequence[tuple[float, ...]]) -> list[bool]:
    """Whether each tuple of costs is one that no other is as low as in all, and lower in one."""
    return [not any(_beats(rival, cost) for rival in costs) for cost in costs]


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
    rated = (_choice(row, latency, float32) for latency, row in timed)
    choices = [choice for choice in rated if choice is not None]
    faster = [choice for choice in choices if choice.speed.verdict == "faster"]
    smaller = [choice for choice in choices if choice.bytes_saved > 0]
    ship, ties = first_of_the_fastest(timed, {choice.row for choice in faster})
    chosen = _chosen(ship, ties, best, pick, float32, _contenders(choices)) if ship else None
    if chosen is None:
        ship = None
    return Recommendation(
        batch=best.batch,
        threads=best.threads,
        float32=float32.name,
        ship=chosen,
        share=_share(ship, float32, floats, pick) if ship else None,
        smallest=None if ship else max(smaller, key=_smallest, default=None),
    )


def first_of_the_fastest(
    timed: Sequence[tuple[Latency, Row]], names: Collection[str]
) -> tuple[Row | None, tuple[str, ...]]:
    """The row to ship among those named, and the others that are as fast.

    Rows whose time is within the margin of the fastest one's, or isn't shown to be longer, are a
    tie: of them the one with the fewest bytes is shipped, then the one whose method doesn't train,
    then by name.
    """
    able = [(latency, row) for latency, row in timed if row.name in names]
    if not able:
        return None, ()
    times = [latency for latency, _ in able]
    best = times[fastest(times)]
    near = [row for latency, row in able if as_fast(latency, best)]
    ship, *others = sorted(near, key=lambda row: (row.bytes, trains(row), row.name))
    return ship, tuple(row.name for row in others)


def keeps_from_shipping(verdict: Verdict, *, costs: bool) -> bool:
    """Whether a row isn't shipped because of its score: it is lower than float32's, or unknown."""
    return costs or verdict in {"worse", "not judged"}


def trains(row: Row) -> bool:
    """Whether the row's method trains the network further."""
    return "epochs" in row.settings


def _contenders(choices: Sequence[Choice]) -> int:
    """The number of rows that were started again, and so could have been chosen."""
    return max(1, sum(choice.speed.starts >= MIN_STARTS for choice in choices))


def _chosen(
    ship: Row, ties: tuple[str, ...], best: Latency, pick: Pick, float32: Row, among: int
) -> Choice | None:
    """The shipped row as a choice, with the interval that holds for one chosen `among` many.

    None where that interval doesn't show it to be faster.
    """
    latency = pick(ship)
    assert latency is not None  # it was timed, else it wouldn't be shipped
    choice = _choice(ship, latency, float32)
    assert choice is not None
    ratio = speed(float32.name, best, latency, among=among)
    if ratio.verdict != "faster":
        return None
    return choice.model_copy(update={"speed": ratio, "ties": ties})


def _smallest(choice: Choice) -> tuple[int, float]:
    """Rows of one artifact have equal bytes: of these the fastest is named."""
    return choice.bytes_saved, choice.speed.value


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
    if keeps_from_shipping(against.verdict, costs=against.costs):
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
