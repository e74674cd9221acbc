"""The order and the pairing of rounds, with workers that only take notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import pytest
from pydantic import ValidationError

from quantbench.errors import WorkerError
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.rounds import Rounds, latency, time_in_turn
from quantbench.harness.schedule import FULL, Schedule
from quantbench.harness.worker import Request
from quantbench.results.statistics import speed
from quantbench.system.progress import NO_PROGRESS
from tests.progress import Recorded

T = TypeVar("T")
LOG: list[tuple[str, str, int]] = []


@dataclass
class Note:
    """A worker whose time for an image is `cost` times how slow the machine is by then."""

    name: str
    cost: float
    threads: int = 1
    asked: list[Request] = field(default_factory=list)

    def ask(
        self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
    ) -> dict[str, object]:
        assert min(timeout, deadline.left) > 0
        self.asked.append(request)
        LOG.append((self.name, request.do, request.batch))
        slow = 1 + len([r for r in self.asked if r.do == request.do and r.batch == request.batch])
        micros = [self.cost * slow * request.batch] * request.calls
        return {"microseconds": micros, "cpu": 2 * sum(micros)}


SCHEDULE = Schedule(batches=(1, 100), max_calls=3, min_rounds=6, max_rounds=6)
COSTS = (10, 5, 40)


def timed(schedule: Schedule = SCHEDULE, images: int = 1000) -> tuple[list[Note], list[Rounds]]:
    LOG.clear()
    notes = [Note("A", 10), Note("B", 5), Note("C", 40)]
    return notes, time_in_turn(notes, images, schedule, NO_PROGRESS, "measuring")  # type: ignore[arg-type]


def end_to_end() -> list[str]:
    return [name for name, do, _ in LOG if do == "time_end_to_end"]


def test_the_order_turns_each_round() -> None:
    timed()
    names = end_to_end()
    rounds = [names[start : start + 3] for start in range(0, len(names), 3)]
    warming_up, turns = rounds[0], rounds[1:]
    assert warming_up == list("ABC")
    assert turns == [list("ABC"), list("BCA"), list("CAB")] * 2


def test_all_rows_are_timed_at_one_batch_before_any_is_at_the_next() -> None:
    timed()
    cells = [("time_model", 1), ("time_model", 100), ("time_end_to_end", 100)]
    assert LOG[-9:] == [(name, *cell) for cell in cells for name in "CAB"]


def test_warming_up_ends_when_no_call_is_a_new_best_and_is_not_counted() -> None:
    """A worker's n-th answer is n + 1 times its cost: the first is best, three more don't help."""
    _, gathered = timed()
    for rounds, cost in zip(gathered, COSTS, strict=True):
        assert rounds.warm_up == 2 * 4
        assert [calls[0] for calls in rounds.cells["model", 1]] == [cost * n for n in range(6, 12)]
        assert [len(calls) for calls in rounds.cells["model", 1]] == [3] * 6
        assert rounds.busy == [2.0] * 6
        assert set(rounds.cells) == {("model", 1), ("model", 100), ("end_to_end", 100)}


def test_warming_up_goes_on_while_calls_get_faster() -> None:
    class Warming(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            super().ask(request, timeout, deadline)
            return {"microseconds": [max(10.0, 100.0 - 10 * len(self.asked))], "cpu": 1.0}

    note = Warming("A", 1)
    (rounds,) = time_in_turn([note], 1000, SCHEDULE, NO_PROGRESS, "measuring")  # type: ignore[list-item]
    assert rounds.warm_up == 9 + 3 + 4


def test_ratios_are_paired_by_round() -> None:
    _, (a, b, _) = timed()
    for cell in a.cells:
        ratio = speed("A", *(latency(cell, 1, rounds.cells[cell], [0] * 6) for rounds in (a, b)))
        assert ratio.value == pytest.approx(2, rel=1e-9)
        assert ratio.low == pytest.approx(2 / 1.03, rel=1e-9)
        assert ratio.high == pytest.approx(2 * 1.03, rel=1e-9)
        assert ratio.verdict == "faster"


def test_all_workers_get_the_same_images_in_a_round() -> None:
    notes, _ = timed()
    for requests in zip(*(note.asked for note in notes), strict=True):
        assert len({(r.do, r.start, r.batch) for r in requests}) == 1
    warming_up, *starts = [r.start for r in notes[0].asked if r.do == "time_end_to_end"]
    assert warming_up == 0
    assert starts == [0, 100, 200, 300, 400, 500]


@pytest.mark.parametrize("images", [100, 150, 999, 1000])
def test_a_batch_never_runs_over_the_end(images: int) -> None:
    notes, _ = timed(SCHEDULE.model_copy(update={"min_rounds": 15, "max_rounds": 15}), images)
    large = [r for r in notes[0].asked if r.do == "time_end_to_end"]
    assert len(large) == 1 + 15
    assert all(0 <= r.start <= images - 100 for r in large)


def test_a_batch_larger_than_the_test_set_is_cut_to_it() -> None:
    """Else fewer images than stated would be timed, and look faster than they are."""
    assert Schedule(batches=(1, 64, 256, 1000)).within(60).batches == (1, 60)
    assert Schedule(batches=(1, 64)).within(64).batches == (1, 64)


def test_time_limits_the_rounds_above_the_minimum() -> None:
    """A turn of all rows takes 3 calls of 1 and 1 call of 100 images and a loop over 100, twice
    as slow as the first of each: 55 * (3 * 2 + 100 * 2 + 100 * 2) = 22,330 microseconds.
    """
    schedule = Schedule(
        batches=(1, 100),
        max_calls=3,
        cell_seconds=1e-3,
        min_rounds=6,
        max_rounds=100,
        rounds_seconds=0.25,
    )
    _, gathered = timed(schedule)
    assert len(gathered[0].cells["model", 1]) == 250_000 // 22_330
    _, gathered = timed(schedule.model_copy(update={"rounds_seconds": 0.0}))
    assert len(gathered[0].cells["model", 1]) == 6
    _, gathered = timed(schedule.model_copy(update={"max_rounds": 7}))
    assert len(gathered[0].cells["model", 1]) == 7


def test_short_calls_are_many_and_long_ones_few() -> None:
    schedule = Schedule(cell_seconds=0.02, max_calls=200)
    assert [schedule.calls(us) for us in (0.0, 50, 100, 400, 9_000, 50_000)] == [
        200,
        200,
        200,
        50,
        2,
        1,
    ]


def test_starts_are_repeated_only_if_their_spread_can_then_be_told() -> None:
    schedule = Schedule(budget_seconds=60)
    assert [schedule.starts_in(seconds) for seconds in (1, 6, 12, 12.1, 50, 90)] == [
        10,
        10,
        5,
        1,
        1,
        1,
    ]
    assert [FULL.starts_in(seconds) for seconds in (1, 100)] == [8, 8]
    more = FULL.on_more_threads()
    assert (more.starts_in(1), more.starts_in(100), more.reading) == (5, 5, False)
    assert Schedule().on_more_threads().starts == 1


@pytest.mark.parametrize(("min_rounds", "starts"), [(5, 1), (5, 4), (1, 1)])
def test_a_schedule_that_has_no_interval_is_refused(min_rounds: int, starts: int) -> None:
    Schedule(min_rounds=6, starts=starts)
    Schedule(min_rounds=min_rounds, starts=5)
    with pytest.raises(ValidationError, match="have no 95 % interval"):
        Schedule(min_rounds=min_rounds, starts=starts)


def test_a_worker_that_fails_is_left_out_and_the_others_go_on() -> None:
    class Failing(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            if request.do == "time_end_to_end":
                raise WorkerError("B was killed by SIGSEGV")
            return super().ask(request, timeout, deadline)

    notes = [Note("A", 10), Failing("B", 5)]
    a, b = time_in_turn(notes, 1000, SCHEDULE, NO_PROGRESS, "measuring")  # type: ignore[arg-type]
    assert (a.failure, b.failure) == (None, "B was killed by SIGSEGV")
    assert len(a.cells["end_to_end", 100]) == 6
    assert b.cells == {}


def test_a_worker_that_fails_later_keeps_its_failure() -> None:
    class Failing(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            if request.do == "time_model" and request.start == 200:
                raise WorkerError("B hung")
            return super().ask(request, timeout, deadline)

    notes = [Note("A", 10), Failing("B", 5)]
    a, b = time_in_turn(notes, 1000, SCHEDULE, NO_PROGRESS, "measuring")  # type: ignore[arg-type]
    assert (a.failure, b.failure) == (None, "B hung")
    assert len(a.cells["model", 1]) == 6
    assert len(b.cells["model", 1]) == 2
    assert not any(r.start > 200 for r in notes[1].asked)


def test_progress_names_the_row() -> None:
    progress = Recorded()
    notes = [Note("A", 1), Note("B", 1)]
    time_in_turn(notes, 1000, SCHEDULE, progress, "measuring")  # type: ignore[arg-type]
    turn = ["A", "B"] * 3 + ["B", "A"] * 3
    assert progress.loops == [
        ("measuring: warming up", 2, ["A", "B"]),
        ("measuring", 36, turn * 3),
    ]
