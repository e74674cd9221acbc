"""Which row to ship, by one rule, from what was measured. docs/measuring.md gives the rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from quantbench.harness.records import Latency
from quantbench.harness.schedule import LEAST_ROUNDS
from quantbench.results.records import (
    AgainstFloat,
    Answer,
    Choice,
    Interval,
    Results,
    Row,
    Share,
)
from quantbench.results.select import fastest_of, large, small
from quantbench.results.statistics import (
    accuracy_verdict,
    fastest,
    paired_difference,
    speed,
)

Pick = Callable[[Row], Latency | None]


def answered(results: Results) -> Results:
    """The same with its answers, and with the Pareto rows marked."""
    rows = results.rows
    marked = tuple(
        row.model_copy(update={"pareto": on_front})
        for row, on_front in zip(rows, pareto(rows), strict=True)
    )
    return results.model_copy(update={"rows": marked, "answers": answers(rows)})


def pareto(rows: Sequence[Row]) -> tuple[bool, ...]:
    """True where no other row is at least as good in accuracy, 1-image latency and bytes and
    better in one of them. A row without a time isn't ranked.
    """
    costs = [_costs(row) for row in rows]
    return tuple(
        this is not None and not any(other is not None and _beats(other, this) for other in costs)
        for this in costs
    )


def answers(rows: Sequence[Row]) -> tuple[Answer, ...]:
    """For one image at a time, then for the largest batch; none where nothing was timed."""
    picks: tuple[Pick, ...] = (small, partial(large, kind="model"))
    found = (_answer(rows, pick) for pick in picks)
    return tuple(answer for answer in found if answer is not None)


def _answer(rows: Sequence[Row], pick: Pick) -> Answer | None:
    timed = [(latency, row) for row in rows if (latency := pick(row)) is not None]
    floats = [(latency, row) for latency, row in timed if row.against_float is None]
    if not floats:
        return None
    compared_with = {x.baseline for latency, row in timed if (x := fastest_of(row, latency))}
    best, float32 = next(
        (one for one in floats if one[1].name in compared_with), min(floats, key=_median)
    )
    found = (_choice(row, latency, float32) for latency, row in timed)
    choices = sorted((x for x in found if x is not None), key=lambda x: -x.speed.value)
    faster = [choice for choice in choices if choice.speed.verdict == "faster"]
    smaller = [choice for choice in choices if choice.bytes_saved > 0]
    ship = next((row for _, row in timed if faster and row.name == faster[0].row), None)
    return Answer(
        batch=best.batch,
        threads=best.threads,
        float32=float32.name,
        ship=faster[0] if faster else None,
        share=_share(ship, float32, floats, pick) if ship else None,
        # Of equal ones, as of an artifact on two engines, max keeps the first: the faster.
        smallest=None
        if faster
        else max(smaller, key=lambda choice: choice.bytes_saved, default=None),
    )


def _share(
    ship: Row, float32: Row, floats: Sequence[tuple[Latency, Row]], pick: Pick
) -> Share | None:
    """None where another engine has the fastest float32, or no other one has any."""
    others = [(latency, row) for latency, row in floats if row.runtime != float32.runtime]
    one, this = pick(float32), pick(ship)
    if ship.runtime != float32.runtime or not others or one is None or this is None:
        return None
    if min(len(latency.rounds) for latency, _ in others) < LEAST_ROUNDS:
        return None
    latency, other = others[fastest([latency for latency, _ in others])]
    return Share(
        float32=other.name,
        engine=speed(other.name, latency, one),
        whole=speed(other.name, latency, this),
    )


def _choice(row: Row, latency: Latency, float32: Row) -> Choice | None:
    """Nothing for float32, for fake quantization and for what is shown to be less accurate."""
    against, speed = row.against_float, fastest_of(row, latency)
    if against is None or speed is None or row.kind != "real":
        return None
    lost, gained = against.only_float_right, against.only_this_right
    if accuracy_verdict(lost, gained, against.mcnemar_p) == "worse":
        return None
    return Choice(
        row=row.name,
        bytes_saved=float32.bytes - row.bytes,
        speed=speed,
        accuracy=_difference(row, against),
    )


def _difference(row: Row, against: AgainstFloat) -> Interval:
    lost, gained = against.only_float_right, against.only_this_right
    both = row.correct - gained
    return paired_difference(both, gained, lost, row.images - both - gained - lost)


def _median(timed: tuple[Latency, Row]) -> float:
    return timed[0].median


def _costs(row: Row) -> tuple[float, float, float] | None:
    """Each the less the better."""
    one = small(row)
    return None if one is None else (-row.accuracy.value, one.median, row.bytes)


def _beats(other: tuple[float, ...], this: tuple[float, ...]) -> bool:
    return other != this and all(a <= b for a, b in zip(other, this, strict=True))
