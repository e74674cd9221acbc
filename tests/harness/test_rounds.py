"""The order and the pairing of rounds, with workers that only take notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from quantbench.compare import speed
from quantbench.contracts import quiet
from quantbench.harness import rounds
from quantbench.harness.rounds import Plan, time_in_turn
from quantbench.harness.worker import Request

T = TypeVar("T")
LOG: list[tuple[str, str, int]] = []


@dataclass
class Note:
    """A worker whose time for an image is `cost` times how slow the machine is by then."""

    name: str
    cost: float
    threads: int = 1
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request, timeout: float) -> dict[str, object]:
        assert timeout > 0
        self.asked.append(request)
        LOG.append((self.name, request.do, request.batch))
        slow = 1 + len([r for r in self.asked if r.do == request.do and r.batch == request.batch])
        micros = [self.cost * slow * request.batch] * request.calls
        return {"microseconds": micros, "cpu": 2 * sum(micros)}


PLAN = Plan(batch=100, calls=3, least=4, most=4, seconds=0)


def timed(plan: Plan = PLAN, images: int = 1000) -> tuple[list[Note], object, object]:
    LOG.clear()
    notes = [Note("A", 10), Note("B", 5), Note("C", 40)]
    result = time_in_turn(notes, Note("data", 1), "mnist", images, plan, quiet)  # type: ignore[arg-type]
    return notes, *result


def order() -> list[list[str]]:
    """Who was timed on single images, round by round."""
    names = [name for name, do, batch in LOG if (do, batch) == ("time_model", 1)]
    return [names[at : at + 3] for at in range(0, len(names), 3)]


def test_the_order_turns_each_round() -> None:
    timed()
    assert order() == [list("CAB"), list("ABC"), list("BCA"), list("CAB"), list("ABC")]


def test_a_round_asks_each_worker_for_everything_before_the_next() -> None:
    timed()
    first = LOG[:10]
    kinds = [("time_model", 1), ("time_model", 100), ("time_end_to_end", 100)]
    assert first == [
        *((name, *kind) for name in "CAB" for kind in kinds),
        ("data", "time_data", 100),
    ]


def test_the_first_round_is_dropped() -> None:
    """A worker's n-th answer is n + 1 times its cost, so the warming answer shows."""
    _, timings, reading = timed()
    for timing, cost in zip(timings, (10, 5, 40), strict=True):
        for kept in timing.latency:
            assert [calls[0] for calls in kept.rounds] == [cost * n for n in (3, 4, 5, 6)]
            assert kept.median == 4.5 * cost
        single, model, end_to_end = timing.latency
        assert [len(calls) for calls in single.rounds] == [3] * 4
        assert (single.batch, model.batch, end_to_end.batch) == (1, 100, 100)
        assert (model.kind, end_to_end.kind) == ("model", "end_to_end")
        assert timing.busy_threads == 2
    assert [calls[0] for calls in reading.rounds] == [3, 4, 5, 6]


def test_ratios_are_paired_by_round() -> None:
    _, timings, _ = timed()
    a, b, _ = timings
    for one, other in zip(a.latency, b.latency, strict=True):
        ratio = speed(one, other)
        assert (ratio.low, ratio.value, ratio.high) == (2.0, 2.0, 2.0)


def test_all_workers_get_the_same_images_in_a_round() -> None:
    notes, _, _ = timed()
    for asked in zip(*(note.asked for note in notes), strict=True):
        assert len({(r.do, r.start, r.batch, r.calls) for r in asked}) == 1
    starts = [r.start for r in notes[0].asked if r.do == "time_end_to_end"]
    assert starts == [0, 0, 100, 200, 300]


@pytest.mark.parametrize("images", [100, 150, 999, 1000])
def test_a_batch_never_runs_over_the_end(images: int) -> None:
    notes, _, _ = timed(PLAN.model_copy(update={"least": 15, "most": 15}), images)
    large = [r for r in notes[0].asked if r.batch == 100]
    assert len(large) == 2 * 16
    assert all(0 <= r.start <= images - 100 for r in large)


def test_a_batch_larger_than_the_test_set_is_cut_to_it() -> None:
    """Else fewer images than stated would be timed, and look faster than they are."""
    notes, timings, reading = timed(images=60)
    assert {r.batch for r in notes[0].asked} == {1, 60}
    assert timings[0].latency[1].batch == reading.batch == 60


def test_time_limits_the_rounds_above_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 1000, 3))
    monkeypatch.setattr(rounds.time, "monotonic", lambda: float(next(now)))
    plan = Plan(batch=100, calls=1, least=2, most=10, seconds=9)
    _, timings, _ = timed(plan)
    assert len(timings[0].latency[0].rounds) == 5
    _, timings, _ = timed(plan.model_copy(update={"seconds": 0.0}))
    assert len(timings[0].latency[0].rounds) == 2


def test_progress_is_told() -> None:
    told = []

    def track(items: Iterable[T], description: str, total: int) -> Iterable[T]:
        told.append((description, total))
        return items

    time_in_turn([Note("A", 1)], Note("data", 1), "mnist", 1000, PLAN, track)  # type: ignore[arg-type,list-item]
    assert told == [("measuring", 4)]
