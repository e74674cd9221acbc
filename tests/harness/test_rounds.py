"""The order and the pairing of rounds, with workers that only take notes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from quantbench.compare import speed
from quantbench.contracts import quiet
from quantbench.errors import WorkerError
from quantbench.harness import rounds as rounds_module
from quantbench.harness.rounds import Plan, Rounds, latency, time_in_turn
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


PLAN = Plan(batches=(1, 100), calls=3, least=4, most=4, seconds=0)
COSTS = (10, 5, 40)


def timed(plan: Plan = PLAN, images: int = 1000) -> tuple[list[Note], list[Rounds]]:
    LOG.clear()
    notes = [Note("A", 10), Note("B", 5), Note("C", 40)]
    return notes, time_in_turn(notes, "mnist", images, plan, quiet, "measuring")  # type: ignore[arg-type]


def end_to_end() -> list[str]:
    return [name for name, do, _ in LOG if do == "time_end_to_end"]


def test_the_order_turns_each_round() -> None:
    timed()
    names = end_to_end()
    rounds = [names[at : at + 3] for at in range(0, len(names), 3)]
    assert rounds == [list("ABC"), list("BCA"), list("CAB"), list("ABC")]


def test_a_round_asks_each_worker_for_everything_before_the_next() -> None:
    timed()
    kinds = [("time_model", 1), ("time_model", 100), ("time_end_to_end", 100)]
    assert LOG[-9:] == [(name, *kind) for name in "ABC" for kind in kinds]


def test_warming_up_ends_when_no_call_is_a_new_best_and_is_not_counted() -> None:
    """A worker's n-th answer is n + 1 times its cost: the first is best, three more don't help."""
    _, gathered = timed()
    for rounds, cost in zip(gathered, COSTS, strict=True):
        assert rounds.warm_up == 2 * 4
        assert [calls[0] for calls in rounds.cells["model", 1]] == [cost * n for n in (6, 7, 8, 9)]
        assert [len(calls) for calls in rounds.cells["model", 1]] == [3] * 4
        assert rounds.busy == [2.0] * 4
        assert set(rounds.cells) == {("model", 1), ("model", 100), ("end_to_end", 100)}


def test_warming_up_goes_on_while_calls_get_faster() -> None:
    class Warming(Note):
        def ask(self, request: Request, timeout: float) -> dict[str, object]:
            super().ask(request, timeout)
            return {"microseconds": [max(10.0, 100.0 - 10 * len(self.asked))], "cpu": 1.0}

    note = Warming("A", 1)
    (rounds,) = time_in_turn([note], "mnist", 1000, PLAN, quiet, "measuring")  # type: ignore[list-item]
    assert rounds.warm_up == 9 + 3 + 4


def test_ratios_are_paired_by_round() -> None:
    _, (a, b, _) = timed()
    for cell in a.cells:
        ratio = speed("A", *(latency(cell, 1, rounds.cells[cell], [0] * 4) for rounds in (a, b)))
        assert ratio.value == pytest.approx(2, rel=1e-9)
        assert ratio.low == pytest.approx(2 / 1.02, rel=1e-9)
        assert ratio.high == pytest.approx(2 * 1.02, rel=1e-9)
        assert ratio.verdict == "faster"


def test_all_workers_get_the_same_images_in_a_round() -> None:
    notes, _ = timed()
    for asked in zip(*(note.asked for note in notes), strict=True):
        assert len({(r.do, r.start, r.batch, r.calls) for r in asked}) == 1
    starts = [r.start for r in notes[0].asked if r.do == "time_end_to_end"]
    assert starts == [0, 100, 200, 300]


@pytest.mark.parametrize("images", [100, 150, 999, 1000])
def test_a_batch_never_runs_over_the_end(images: int) -> None:
    notes, _ = timed(PLAN.model_copy(update={"least": 15, "most": 15}), images)
    large = [r for r in notes[0].asked if r.do == "time_end_to_end"]
    assert len(large) == 15
    assert all(0 <= r.start <= images - 100 for r in large)


def test_a_batch_larger_than_the_test_set_is_cut_to_it() -> None:
    """Else fewer images than stated would be timed, and look faster than they are."""
    assert Plan(batches=(1, 64, 256, 1000)).within(60).batches == (1, 60)
    assert Plan(batches=(1, 64)).within(64).batches == (1, 64)


def test_time_limits_the_rounds_above_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(0, 1000, 3))
    monkeypatch.setattr(rounds_module.time, "monotonic", lambda: float(next(now)))
    plan = Plan(batches=(1, 100), calls=1, least=2, most=10, seconds=9)
    _, gathered = timed(plan)
    assert len(gathered[0].cells["model", 1]) == 5
    _, gathered = timed(plan.model_copy(update={"seconds": 0.0}))
    assert len(gathered[0].cells["model", 1]) == 2


def test_a_worker_that_fails_is_left_out_and_the_others_go_on() -> None:
    class Failing(Note):
        def ask(self, request: Request, timeout: float) -> dict[str, object]:
            if request.do == "time_end_to_end":
                raise WorkerError("B was killed by SIGSEGV")
            return super().ask(request, timeout)

    notes = [Note("A", 10), Failing("B", 5)]
    a, b = time_in_turn(notes, "mnist", 1000, PLAN, quiet, "measuring")  # type: ignore[arg-type]
    assert (a.failure, b.failure) == (None, "B was killed by SIGSEGV")
    assert len(a.cells["end_to_end", 100]) == 4
    assert len([r for r in notes[1].asked if r.calls == 3]) == 4 + 1


def test_progress_is_told() -> None:
    told = []

    def track(items: Iterable[T], description: str, total: int) -> Iterable[T]:
        told.append((description, total))
        return items

    time_in_turn([Note("A", 1)], "mnist", 1000, PLAN, track, "measuring, start 1")  # type: ignore[list-item]
    assert told == [("measuring, start 1", 4)]
