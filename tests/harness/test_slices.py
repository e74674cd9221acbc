"""The order and the pairing of slices, with workers that only take notes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Barrier

import pytest

from quantbench.harness import slices as module
from quantbench.harness.deadline import NO_LIMIT, Deadline
from quantbench.harness.noise import Block
from quantbench.harness.records import Latency
from quantbench.harness.schedule import Schedule
from quantbench.harness.slices import Course, Slices, latency, read_in_turn, time_in_turn
from quantbench.harness.worker import Request
from quantbench.results.speed import paired, speed
from quantbench.system.progress import NO_PROGRESS, Progress
from tests.harness.note import Note
from tests.progress import Recorded

SCHEDULE = Schedule(batches=(1, 100), max_calls=3, blocks=6, max_passes=2)
MINUTE = Course(60.0)
MODEL1, MODEL100, READING = ("model", 1), ("model", 100), ("end_to_end", 100)


def notes(*costs: float) -> list[Note]:
    log: list[tuple[str, Request]] = []
    return [Note(name, cost, log=log) for name, cost in zip("ABCDEF", costs, strict=False)]


def timed(
    workers: Sequence[Note],
    schedule: Schedule = SCHEDULE,
    course: Course = MINUTE,
    samples: int = 1000,
    progress: Progress = NO_PROGRESS,
    deadline: Deadline = NO_LIMIT,
) -> tuple[list[Slices], list[Block]]:
    return time_in_turn(workers, samples, schedule, course, progress, deadline)  # type: ignore[arg-type]


def turns(workers: Sequence[Note], do: str, batch: int) -> list[tuple[str, ...]]:
    """The names in each pass, without the requests of the warm-up."""
    counted = [
        name
        for name, request in workers[0].log
        if (request.do, request.batch) == (do, batch) and not _warming(request)
    ]
    count = len(workers)
    return [tuple(counted[i : i + count]) for i in range(0, len(counted), count)]


def _warming(request: Request) -> bool:
    """A slice of several calls takes warm ones before; a request of the warm-up doesn't."""
    return request.warm == 0


def test_every_row_has_one_slice_in_each_pass_and_the_order_changes() -> None:
    workers = notes(10, 5, 40)
    timed(workers)
    passes = turns(workers, "time_model", 1)
    assert len(passes) == 6 * 2
    assert all(sorted(names) == ["A", "B", "C"] for names in passes)
    places = [[names.index(name) for names in passes] for name in "ABC"]
    assert [row.count(place) for row in places for place in range(3)] == [4] * 9
    assert len(set(passes)) == 6  # every order of three


def test_a_start_of_another_number_has_another_order() -> None:
    orders = []
    for number in (0, 0, 1, 2):
        workers = notes(10, 5, 40, 7, 8)
        timed(workers, course=Course(60.0, number))
        orders.append(turns(workers, "time_model", 1))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2] != orders[3]


def test_a_block_has_all_batches_and_then_the_loop_that_reads() -> None:
    workers = notes(10, 5)
    timed(workers)
    one_block = [(r.do, r.batch) for _, r in workers[0].log][-10:]
    assert one_block == (
        [("time_model", 1)] * 4 + [("time_model", 100)] * 4 + [("time_end_to_end", 100)] * 2
    )


def test_workers_are_pinned_before_anything_is_timed() -> None:
    workers = notes(10, 5)
    timed(workers, course=Course(60.0, 0, (3,)))
    for worker in workers:
        (place,) = (n for n, request in enumerate(worker.asked) if request.do == "pin")
        assert worker.asked[place].processors == (3,)
        counted = [n for n, r in enumerate(worker.asked) if r.do == "time_model" and r.warm]
        assert counted
        assert place < min(counted)


def test_workers_warm_up_at_the_same_time() -> None:
    """Each at its first request waits for the other."""
    both = Barrier(2, timeout=30)

    class Meeting(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            if not self.asked:
                both.wait()
            return super().ask(request, timeout, deadline)

    log: list[tuple[str, Request]] = []
    rows, _ = timed([Meeting(n, 10, log=log) for n in "AB"], course=replace(MINUTE, warming=2))
    assert [row.failure for row in rows] == [None, None]


def test_warming_up_ends_when_no_call_is_a_new_best_and_is_not_counted() -> None:
    """A worker's n-th answer is n + 1 times its cost: the first is best, three more don't help."""
    workers = notes(10, 5, 40)
    rows, _ = timed(workers)
    for row, worker in zip(rows, workers, strict=True):
        assert row.warm_up == 2 * 4
        flat = [middle for block in row.cells[MODEL1] for middle in block]
        assert flat == [worker.cost * n for n in range(6, 18)]
        assert row.busy == [2.0] * 12
        assert set(row.cells) == {MODEL1, MODEL100, READING}


def test_warming_up_goes_on_while_calls_get_faster() -> None:
    class Warming(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            super().ask(request, timeout, deadline)
            count = sum(r.do.startswith("time") for r in self.asked)
            return {"microseconds": [max(10.0, 100.0 - 10 * count)], "wall": 1.0, "cpu": 1.0}

    (row,), _ = timed([Warming("A", 1)])
    assert row.warm_up == 9 + 3 + 4


def test_a_warm_up_that_never_gets_steady_ends() -> None:
    class Ever(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            super().ask(request, timeout, deadline)
            return {"microseconds": [100.0 * 0.9 ** len(self.asked)], "wall": 1.0, "cpu": 1.0}

    (row,), _ = timed([Ever("A", 1)])
    assert row.warm_up == 2 * 60
    assert row.failure is None


def record(row: Slices, cell: tuple[str, int] = MODEL1) -> Latency:
    blocks = row.cells[cell]  # type: ignore[index]
    return latency(cell, 1, blocks, [0] * len(blocks), [1.0])  # type: ignore[arg-type]


def test_ratios_are_paired_by_slice() -> None:
    """The machine is slower at each pass; the ratio is 2 in every one."""
    (a, b, _), _ = timed(notes(10, 5, 40))
    for cell in (MODEL1, MODEL100, READING):
        ratio = speed("A", record(a, cell), record(b, cell))
        assert ratio.value == pytest.approx(2, rel=1e-9)
        assert ratio.low == pytest.approx(2 / 1.03, rel=1e-9)
        assert ratio.high == pytest.approx(2 * 1.03, rel=1e-9)
        assert ratio.verdict == "faster"


def test_all_workers_get_the_same_samples_in_a_pass() -> None:
    workers = notes(10, 5, 40)
    timed(workers)
    for requests in zip(*(worker.asked for worker in workers), strict=True):
        assert len({(r.do, r.start, r.batch) for r in requests}) == 1
    _, *starts = [r.start for r in workers[0].asked if r.do == "time_end_to_end"]
    assert starts == [0, 100, 200, 300, 400, 500]
    slices = [r.start for r in workers[0].asked if r.do == "time_model" and r.batch == 100][4:]
    assert slices == [100 * n % 901 for n in range(12)]


@pytest.mark.parametrize("samples", [100, 150, 999, 1000])
def test_a_batch_never_runs_over_the_end(samples: int) -> None:
    workers = notes(10)
    timed(workers, SCHEDULE.model_copy(update={"blocks": 15}), samples=samples)
    large = [r for r in workers[0].asked if r.batch == 100]
    assert len([r for r in large if r.do == "time_model"]) == 4 + 15 * 2
    assert all(0 <= r.start <= samples - 100 for r in large)


def test_short_calls_are_timed_several_at_once_and_after_warm_ones() -> None:
    """Calls of 0.5, 60 and 1,800 us (at best): 20 us hold 40 of the first, 2 ms 4,000."""
    workers = notes(0.25, 30.0, 900.0)
    schedule = SCHEDULE.model_copy(update={"max_calls": 1000, "reading": False})
    rows, _ = timed(workers, schedule)
    ones = [[r for r in worker.asked if r.batch == 1][-1] for worker in workers]
    assert [(r.calls, r.warm, r.group) for r in ones] == [(1000, 100, 40), (33, 4, 1), (1, 0, 1)]
    assert [len(row.calls[MODEL1]) for row in rows] == [12 * 25, 12 * 33, 12]
    assert [len(slices) for slices in rows[0].cells[MODEL1]] == [2] * 6  # a median for each slice


@pytest.mark.parametrize(("seconds", "passes"), [(0.0001, [(1, 1)] * 6), (60.0, [(2, 2)] * 6)])
def test_time_limits_the_passes_but_not_below_one_in_each_of_the_fewest_blocks(
    seconds: float, passes: list[tuple[int, int]]
) -> None:
    (row,), blocks = timed(notes(500.0), course=Course(seconds))
    assert len(blocks) == 6
    pairs = zip(row.cells[MODEL1], row.cells[MODEL100], strict=True)
    assert [(len(single), len(large)) for single, large in pairs] == passes


def test_each_batch_has_an_equal_part_of_the_time() -> None:
    """Calls of 1 and 100 samples take 2 and 200 ms: one of each fills a slice.

    A pass costs 2.3 and 200.3 ms. Of 24 s each batch has 12 s: 5,217 and 60 passes, in 10 blocks
    522, of which 40 are made, and 6.
    """
    schedule = Schedule(batches=(1, 100), reading=False)
    (row,), blocks = timed(notes(1000.0), schedule, Course(24.0))
    assert len(blocks) == 10
    assert [len(block) for block in row.cells[MODEL1]] == [40] * 10
    assert [len(block) for block in row.cells[MODEL100]] == [6] * 10


def test_the_loop_that_reads_has_one_pass_in_the_fewest_blocks() -> None:
    schedule = SCHEDULE.model_copy(update={"blocks": 9})
    (a, b), blocks = timed(notes(10, 5), schedule)
    assert len(blocks) == 9
    assert [len(block) for block in a.cells[READING]] == [1] * 6
    assert len(b.cells[MODEL1]) == 9


def fails(when: Callable[[Request], bool], words: str) -> Callable[[Request], str | None]:
    return lambda request: words if when(request) else None


def test_a_worker_that_fails_is_left_out_and_the_others_go_on() -> None:
    a, b = notes(10, 5)
    b.failing = fails(lambda r: r.do == "time_end_to_end", "B was killed by SIGSEGV")
    (first, second), _ = timed([a, b])
    assert (first.failure, second.failure) == (None, "B was killed by SIGSEGV")
    assert len(first.cells[READING]) == 6
    assert second.cells == {}


def test_a_worker_that_fails_in_the_middle_is_asked_no_more_and_costs_no_other() -> None:
    a, b, c = notes(10, 5, 40)
    b.failing = fails(lambda r: r.do == "time_model" and r.start == 300, "B hung")
    (first, second, third), blocks = timed([a, b, c])
    assert (first.failure, second.failure, third.failure) == (None, "B hung", None)
    assert [len(block) for block in second.cells[MODEL1]] == [2, 1]
    assert not any(r.start >= 300 for r in b.asked)
    assert len(blocks) == 6
    assert paired(record(first), record(third)) == [[pytest.approx(-1.3862943611)] * 6]


def test_where_every_worker_fails_nothing_is_timed() -> None:
    workers = notes(10, 5)
    for worker in workers:
        worker.failing = fails(lambda r: r.do == "time_model", f"{worker.name} crashed")
    rows, blocks = timed(workers)
    assert [row.failure for row in rows] == ["A crashed", "B crashed"]
    assert blocks == []
    assert timed([]) == ([], [])


def test_once_the_deadline_has_passed_only_the_fewest_blocks_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock of a budget of 1,000 s jumps to its end once 20 slices were asked for."""
    worker = notes(10)[0]
    schedule = Schedule(batches=(1,), max_calls=2, blocks=9, max_passes=3, reading=False)

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return 2000.0 if len(worker.asked) > 1 + 4 + 20 else 0.0

    monkeypatch.setattr("quantbench.harness.deadline.time", Clock)
    (row,), blocks = timed([worker], schedule, deadline=Deadline(1000.0, began=0.0))
    assert (len(blocks), len(row.cells[MODEL1])) == (7, 7)
    worker = notes(10)[0]
    (row,), blocks = timed([worker], schedule)
    assert len(blocks) == 9


@pytest.mark.parametrize(("planned", "blocks"), [(0.001, 6), (0.03, 6), (60.0, 9)])
def test_a_start_that_takes_longer_than_planned_ends_with_the_fewest_blocks(
    planned: float, blocks: int
) -> None:
    """Six blocks of three slices of 4 ms take 72 ms: more than 1.3 times 30 ms."""

    class Slow(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            if request.warm:
                time.sleep(0.004)
            return super().ask(request, timeout, deadline)

    schedule = Schedule(batches=(1,), max_calls=2, blocks=9, max_passes=3, reading=False)
    _, found = timed([Slow("A", 10)], schedule, Course(planned))
    assert len(found) == blocks


def test_reading_alone_is_timed_once_for_each_of_the_fewest_blocks() -> None:
    (worker,) = notes(3)
    times = read_in_turn(worker, 1000, SCHEDULE, Course(60.0, 0, (7,)))  # type: ignore[arg-type]
    assert times == [[3.0 * 100 * (1 + n)] for n in range(1, 7)]
    pinned, *read = worker.asked
    assert (pinned.do, pinned.processors) == ("pin", (7,))
    assert [(r.do, r.batch, r.start) for r in read] == [
        ("time_data", 100, 100 * n) for n in range(6)
    ]


def test_blocks_tell_the_start_and_what_the_machine_was_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quantbench.harness.noise.stolen", lambda _: 0.0)
    monkeypatch.setattr("quantbench.harness.noise.megahertz", lambda number: 1000.0 + number)
    _, blocks = timed(notes(10), course=Course(60.0, 4, (7,)))
    assert {(b.start, b.stolen, b.megahertz, b.kept) for b in blocks} == {(4, 0.0, 1007.0, True)}


def test_progress_counts_rows_and_then_blocks() -> None:
    progress = Recorded()
    timed(notes(1, 1), course=Course(60.0, title="start 2"), progress=progress)
    (warming, rows, names), (title, blocks, _) = progress.loops
    assert (warming, rows, names) == ("start 2: warming up", 2, ["A", "B"])
    assert (title, blocks) == ("start 2", 6)


def test_latency_is_of_one_sample() -> None:
    found = latency(
        ("model", 1000), 2, [[1000.0, 3000.0, 2000.0], [5000.0, 5000.0]], [0, 1], [900.0, 6000.0]
    )
    assert found.blocks == ((1.0, 3.0, 2.0), (5.0, 5.0))
    assert found.starts == (0, 1)
    assert found.median == 3.5
    assert found.p95 == pytest.approx(0.9 + 0.95 * 5.1)
    assert found.p99 == pytest.approx(0.9 + 0.99 * 5.1)
    assert (found.batch, found.threads, found.kind) == (1000, 2, "model")


def test_what_a_slice_costs_beside_its_calls_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances 0.4 s from one look to the next, around calls that take 0.3 s."""

    class Clock:
        now = 0.0

        @classmethod
        def perf_counter(cls) -> float:
            cls.now += 0.4
            return cls.now

    monkeypatch.setattr(module, "time", Clock)

    class Fixed(Note):
        def ask(
            self, request: Request, timeout: float, deadline: Deadline = NO_LIMIT
        ) -> dict[str, object]:
            super().ask(request, timeout, deadline)
            return {"microseconds": [1e5], "wall": 3e5, "cpu": 1e5}

    schedule = SCHEDULE.model_copy(update={"reading": False})
    (row,), _ = timed([Fixed("A", 1)], schedule)
    assert row.requests == [pytest.approx(1e5)] * 24
