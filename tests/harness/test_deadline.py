"""What a budget leaves out, and what it doesn't: shares, rows, workers that take too long."""

from __future__ import annotations

import math
import time
from pathlib import Path

import pytest

from quantbench.errors import OutOfTimeError
from quantbench.harness.deadline import EVALUATING, NO_LIMIT, QUANTIZING, Deadline
from quantbench.harness.measure import measure
from quantbench.harness.pool import Candidate, Job
from quantbench.harness.process import Worker
from quantbench.harness.schedule import MIN_BLOCKS, Schedule
from quantbench.harness.slices import Course, Slices, time_in_turn
from quantbench.harness.worker import Request
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.harness.note import Note
from tests.harness.test_measure import children

LEFT_OUT = "no time was left for it in a budget of 10 s; a larger budget measures it"


def begun(seconds: float, ago: float) -> Deadline:
    """A budget of `seconds` that began a while ago."""
    return Deadline(seconds, began=time.monotonic() - ago)


def test_without_a_limit_nothing_is_ever_spent() -> None:
    assert NO_LIMIT.left == math.inf
    assert NO_LIMIT.part(0.5) is NO_LIMIT
    assert not NO_LIMIT.spent(0.0)


def test_shares_end_one_after_the_other_and_name_the_whole_budget() -> None:
    deadline = begun(10, ago=6)
    assert deadline.spent(QUANTIZING)
    assert not deadline.spent(EVALUATING)
    assert deadline.part(QUANTIZING).left == 0
    assert 1 < deadline.part(EVALUATING).left <= 2
    assert deadline.part(QUANTIZING).reason == deadline.reason == LEFT_OUT


def test_a_worker_that_is_late_is_killed_and_named_no_failure(tmp_path: Path) -> None:
    """Python itself takes longer to start than the worker is given."""
    with Worker("late", 1, tmp_path) as worker:
        with pytest.raises(OutOfTimeError, match=r"in a budget of 0.001 s; a larger budget"):
            worker.ask(Request(do="samples"), 60, Deadline(0.001))
        assert worker._process.wait(timeout=20) < 0


def test_a_worker_is_not_asked_once_the_budget_is_spent(tmp_path: Path) -> None:
    with Worker("idle", 1, tmp_path) as worker:
        with pytest.raises(OutOfTimeError):
            worker.ask(Request(do="no such thing"), 60, begun(1, ago=2))
        assert worker._process.poll() is None


def test_rows_that_do_not_fit_are_left_out_slowest_first_but_never_the_first() -> None:
    """Six blocks of the three take about 240 s, 0.1 s and 24 s; within 10 s, 12 s are to be had."""
    schedule = Schedule(batches=(1, 100), max_calls=1, blocks=6, max_passes=1, reading=False)

    def timed(float32: float) -> list[Slices]:
        notes = [Note("float32", float32), Note("fast", 1e2), Note("slow", 2e4)]
        return time_in_turn(notes, 1000, schedule, Course(9.0), NO_PROGRESS, Deadline(10))[0]  # type: ignore[arg-type]

    rows = timed(2e5)
    reasons = [row.failure for row in rows]
    assert reasons[0] is None
    assert reasons[1:] == [LEFT_OUT, LEFT_OUT]  # the first row alone takes more than there is
    assert [len(row.cells) for row in rows] == [2, 0, 0]

    rows = timed(1e1)
    assert [row.failure for row in rows] == [None, None, LEFT_OUT]
    assert [row.left_out for row in rows] == [False, False, True]


def test_a_schedule_within_seconds_takes_half_of_them_for_its_slices() -> None:
    """The other half is for loading and warming up; with plenty of time nothing changes but the
    number of blocks.
    """
    short, long = (Schedule().bounded(seconds) for seconds in (10, 3600))
    assert (short.look_seconds, short.start_seconds, short.blocks) == (5.0, 3.0, MIN_BLOCKS)
    assert (long.look_seconds, long.start_seconds, long.blocks) == (18.0, 3.0, MIN_BLOCKS)
    spent = Schedule().bounded(0.0)
    assert 0 < spent.look_seconds == spent.start_seconds <= 0.1


def measured_within(task: Task, folder: Path, seconds: float, **nulls: Null):  # type: ignore[no-untyped-def]
    job = Job(
        task=task,
        threads=(1,),
        schedule=Schedule(timeout=300),
        machine=environment(),
        evaluations=folder / "evaluations",
        timings=folder / "timings",
        scratch=folder,
        deadline=Deadline(seconds),
    )
    rows = [
        Candidate(save_null(folder, name, null), runtime_named("null"))
        for name, null in nulls.items()
    ]
    return measure(job, rows)


def test_a_row_that_hangs_ends_with_its_share_and_the_study_within_its_budget(
    task: Task, tmp_path: Path
) -> None:
    """One hangs as it loads, one as it predicts, one takes a second an image: none has a row."""
    budget, began = 20.0, time.monotonic()
    result = measured_within(
        task,
        tmp_path,
        budget,
        float32=Null(),
        at_load=Null(fault="hang"),
        at_predicting=Null(fault="hang", after=1),
        slow=Null(image_us=1e6),
    )
    assert time.monotonic() - began <= 1.5 * budget
    assert [candidate.artifact.body.method for candidate in result.candidates] == ["float32"]
    assert {(row.method, row.reason, row.failed) for row in result.skipped} == {
        (name, LEFT_OUT.replace("10 s", "20 s"), False)
        for name in ("at_load", "at_predicting", "slow")
    }
    assert children() == []


def test_float32_is_measured_though_the_budget_is_spent(task: Task, tmp_path: Path) -> None:
    result = measured_within(task, tmp_path, 0.01, float32=Null(), other=Null())
    assert [candidate.artifact.body.method for candidate in result.candidates] == ["float32"]
    assert len(result.timings[0].latency[0].blocks) >= MIN_BLOCKS
    (skipped,) = result.skipped
    assert skipped.reason.startswith("no time was left for it in a budget of 0.01 s")
