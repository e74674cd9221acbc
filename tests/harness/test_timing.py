"""Which rows get further starts, what becomes of those that fail, and under which key times are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest

from quantbench.harness import timing as module
from quantbench.harness.deadline import Deadline
from quantbench.harness.noise import Block
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.process import Worker
from quantbench.harness.records import Skipped
from quantbench.harness.schedule import Schedule
from quantbench.harness.timing import Contest, Timing, Timings, time_all, times
from quantbench.harness.worker import Request
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.harness.note import Note
from tests.progress import Recorded

SCHEDULE = Schedule(
    batches=(1, 50), max_calls=2, blocks=6, max_passes=1, starts=5, look_seconds=1, start_seconds=1
)
NAMES = ("float32", "a", "b", "c")


@dataclass
class Fleet:
    """All workers that were started, and which of them fail, by name and number of the start."""

    started: list[Stub] = field(default_factory=list)
    failing: dict[tuple[str, int], str] = field(default_factory=dict)

    def names(self, threads: int = 1) -> dict[str, int]:
        """How many workers each method had, without the one that reads."""
        chosen = [w.name for w in self.started if w.threads == threads and w.name != "data"]
        return dict(Counter(name.partition(" ")[0] for name in chosen))


class Stub(Note, Worker):
    """A worker that counts which start of its row it is."""

    fleet: Fleet

    def __init__(self, name: str, threads: int, _: Path) -> None:
        same = [w for w in self.fleet.started if w.name == name]
        self.start = len(same)
        cost = 100.0 * (1 + self.start)  # in every start all rows are slower
        super().__init__(name, cost, threads, failing=self._fails)
        self.fleet.started.append(self)

    def _fails(self, request: Request) -> str | None:
        if request.do != "time_model":
            return None
        return self.fleet.failing.get((self.name.partition(" ")[0], self.start))

    def __enter__(self) -> Stub:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Fleet:
    fleet = Fleet()
    monkeypatch.setattr(Stub, "fleet", fleet, raising=False)
    monkeypatch.setattr("quantbench.harness.pool.Worker", Stub)
    return fleet


Make = Callable[..., Timings]


@pytest.fixture
def make(task: Task, tmp_path: Path) -> Iterator[Make]:
    """Times the rows by a contest that chooses those of the given indices."""
    rows = [Candidate(save_null(tmp_path, n, Null()), runtime_named("null")) for n in NAMES]

    def made(
        chosen: Collection[int] | None = (0, 2),
        finalists: Collection[int] = (),
        *,
        keep: bool = False,
        inputs: str = "",
        seen: list[Sequence[Timing | Skipped]] | None = None,
        **fields: object,
    ) -> Timings:
        schedule = fields.pop("schedule", SCHEDULE)
        given = {"threads": (1,), "progress": Recorded()} | fields
        job = Job(
            task=task,
            schedule=schedule,  # type: ignore[arg-type]
            machine=environment(),
            evaluations=tmp_path / "evaluations",
            timings=tmp_path / "timings",
            scratch=tmp_path,
            **given,  # type: ignore[arg-type]
        )

        def contenders(look: Sequence[Timing | Skipped]) -> Collection[int]:
            if seen is not None:
                seen.append(look)
            assert chosen is not None
            return chosen

        def last(times: Sequence[Timing | Skipped]) -> Collection[int]:
            if seen is not None:
                seen.append(times)
            return finalists

        contest = None if chosen is None else Contest(contenders, last, inputs)
        with Workers(job, job.threads[0]) as workers:
            return (time_all if keep else times)(job, rows, workers, contest)

    return made


def starts(found: Timings, index: int) -> list[int]:
    row = found.rows[index]
    assert isinstance(row, Timing)
    return sorted(set(row.latency[0].starts))


def test_contenders_alone_are_started_again(fleet: Fleet, make: Make) -> None:
    found = make((0, 2))
    assert fleet.names() == {"float32": 5, "a": 1, "b": 5, "c": 1}
    assert [starts(found, index) for index in range(4)] == [[0, 1, 2, 3, 4], [0]] * 2
    assert all(isinstance(row, Timing) for row in found.rows)


def test_finalists_get_as_many_starts_again(fleet: Fleet, make: Make) -> None:
    """Those among the contenders, by what all starts so far have shown."""
    seen: list[Sequence[Timing | Skipped]] = []
    found = make((0, 2), (2, 3), seen=seen)
    assert fleet.names() == {"float32": 5, "a": 1, "b": 10, "c": 1}
    assert [starts(found, index) for index in (0, 2)] == [[*range(5)], [*range(10)]]
    _, times = seen
    assert [len(set(row.latency[0].starts)) for row in times if isinstance(row, Timing)] == [
        5, 1, 5, 1,
    ]  # fmt: skip


def test_a_finalist_that_fails_has_no_row(fleet: Fleet, make: Make) -> None:
    fleet.failing["b", 7] = "b was killed"
    found = make((0, 2), (0, 2))
    assert isinstance(found.rows[2], Skipped)
    assert starts(found, 0) == [*range(10)]


def test_the_contest_sees_the_first_look_of_every_row(fleet: Fleet, make: Make) -> None:
    fleet.failing["a", 0] = "a crashed"
    seen: list[Sequence[Timing | Skipped]] = []
    make((0,), seen=seen)
    look, _ = seen
    assert [type(row) for row in look] == [Timing, Skipped, Timing, Timing]
    assert all(set(x.starts) == {0} for row in look if isinstance(row, Timing) for x in row.latency)


@pytest.mark.parametrize("every", [True, False])
def test_without_a_contest_all_rows_are_started_again(
    fleet: Fleet, make: Make, every: bool
) -> None:
    """Also where the schedule says so."""
    schedule = SCHEDULE.model_copy(update={"every": every})
    make((0,) if every else None, schedule=schedule)
    assert fleet.names() == dict.fromkeys(NAMES, 5)


def test_with_one_start_there_is_no_contest(fleet: Fleet, make: Make) -> None:
    seen: list[Sequence[Timing | Skipped]] = []
    make((0,), seen=seen, schedule=SCHEDULE.model_copy(update={"starts": 1}))
    assert (seen, fleet.names()) == ([], dict.fromkeys(NAMES, 1))


def test_a_further_start_reads_no_data_and_has_the_same_cells(fleet: Fleet, make: Make) -> None:
    found = make((0, 2))
    contender, other = found.rows[0], found.rows[1]
    assert isinstance(contender, Timing)
    assert isinstance(other, Timing)
    assert (
        [(x.kind, x.batch) for x in contender.latency]
        == [(x.kind, x.batch) for x in other.latency]
        == [("model", 1), ("model", 50), ("end_to_end", 50)]
    )
    assert [len(x.blocks) for x in contender.latency] == [30, 30, 6]
    again = [w for w in fleet.started if w.start and w.name != "data"]
    assert again
    assert not any(r.do == "time_end_to_end" for w in again for r in w.asked)


def test_a_row_that_failed_in_the_look_is_started_no_more(fleet: Fleet, make: Make) -> None:
    """Though the contest names it; nor on more threads, where a hang would cost minutes more."""
    fleet.failing["b", 0] = "b hung"
    found = make((0, 2), threads=(1, 2))
    assert fleet.names()["b"] == 1
    assert fleet.names(threads=2) == {"float32": 5, "a": 5, "c": 5}
    row = found.rows[2]
    assert isinstance(row, Skipped)
    assert (row.reason, row.failed) == ("b hung", True)


def test_a_contender_that_fails_in_a_later_start_has_no_row(fleet: Fleet, make: Make) -> None:
    """What fails in one start of five isn't shipped; the others' starts go on."""
    fleet.failing["b", 2] = "b was killed by SIGKILL"
    found = make((0, 2, 3))
    row = found.rows[2]
    assert isinstance(row, Skipped)
    assert (row.reason, row.failed) == ("b was killed by SIGKILL", True)
    assert starts(found, 0) == starts(found, 3) == [0, 1, 2, 3, 4]
    assert starts(found, 1) == [0]


def test_where_every_contender_fails_in_a_later_start_the_others_keep_their_rows(
    fleet: Fleet, make: Make
) -> None:
    fleet.failing["b", 1] = "b crashed"
    found = make((2,))
    assert [isinstance(row, Timing) for row in found.rows] == [True, True, False, True]


def test_a_contest_of_nobody_ends_no_other_start(fleet: Fleet, make: Make) -> None:
    make((), threads=(1, 2))
    assert fleet.names(threads=1) == dict.fromkeys(NAMES, 1)
    assert fleet.names(threads=2) == dict.fromkeys(NAMES, 5)


def test_once_the_budget_is_spent_no_further_start_is_made(
    fleet: Fleet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start takes 10 s by the clock that the starts are timed with, and 5 s are left."""
    now = [0.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            now[0] += 10.0
            return now[0]

    monkeypatch.setattr(module, "time", Clock)
    make((0, 2), deadline=Deadline(5.0))
    assert fleet.names() == {"float32": 2, "a": 1, "b": 2, "c": 1}


def test_times_are_kept_under_a_key_that_changes_with_the_contest(fleet: Fleet, make: Make) -> None:
    first = make((0,), keep=True, inputs="accuracy")
    count = len(fleet.started)
    assert make((0,), keep=True, inputs="accuracy") == first
    assert len(fleet.started) == count
    other = make((0, 1), keep=True, inputs="loss")
    assert len(fleet.started) > count
    assert starts(other, 1) == [0, 1, 2, 3, 4]


def test_times_with_a_failure_are_not_kept(fleet: Fleet, make: Make) -> None:
    fleet.failing["a", 0] = "a crashed"
    make((0,), keep=True)
    count = len(fleet.started)
    make((0,), keep=True)
    assert len(fleet.started) > count


def test_dropped_blocks_are_left_out_of_all_rows(
    fleet: Fleet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The third of eight blocks of each start was robbed: pairs stay pairs, by start and place."""

    def sifted(blocks: Sequence[Block]) -> tuple[Block, ...]:
        return tuple(b.model_copy(update={"kept": n != 2}) for n, b in enumerate(blocks))

    monkeypatch.setattr(module, "sifted", sifted)
    found = make(
        (0, 2),
        schedule=SCHEDULE.model_copy(
            update={"blocks": 8, "look_seconds": 60.0, "start_seconds": 60.0}
        ),
    )
    float32, other, contender, _ = found.rows
    for row, count in ((float32, 5), (other, 1), (contender, 5)):
        assert isinstance(row, Timing)
        single, large, reading = row.latency
        assert [len(x.blocks) for x in (single, large)] == [7 * count] * 2
        assert len(reading.blocks) == 6  # of six none is left out, else too few would be left
        assert single.starts[:7] == (0,) * 7
        slow = [slices[0] for slices in single.blocks[:7]]
        steps = [round((b - a) / 100) for a, b in pairwise(slow)]
        assert steps == [1, 2, 1, 1, 1, 1]  # each slice is slower by 100 us; one is missing
    assert [block.kept for block in found.noise.blocks].count(False) == 5


def test_the_circumstances_are_told(
    fleet: Fleet, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "last", lambda count: (7,) if count == 1 else ())
    monkeypatch.setattr(module, "siblings", lambda number: (number - 4,))
    noise = make((0, 2)).noise
    assert (noise.processors, noise.siblings) == ((7,), (3,))
    assert [block.start for block in noise.blocks] == [n for n in range(5) for _ in range(6)]
    assert noise.start_seconds is not None
    assert noise.start_seconds > 0
    pins = {r.processors for w in fleet.started for r in w.asked if r.do == "pin"}
    assert pins == {(7,)}


def test_workers_of_further_starts_begin_in_an_order_that_changes(tmp_path: Path) -> None:
    """Those that begin first are slower: always in one order, rows alike would differ for good."""
    rows = {
        number: Candidate(save_null(tmp_path, f"n{number}", Null()), runtime_named("null"))
        for number in range(6)
    }
    orders = [list(module._shuffled(rows, seed)) for seed in range(1, 61)]
    assert module._shuffled(rows, 1) == rows
    assert len({tuple(order) for order in orders}) > 40
    places = np.array([[order.index(number) for number in rows] for order in orders])
    assert (abs(places.mean(axis=0) - 2.5) < 1).all()
    assert orders[0] == list(module._shuffled(rows, 1))
