"""Schedules: which can be had, and what a slice holds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from quantbench.harness.schedule import FIRST, FULL, QUICK, Schedule


def test_a_batch_larger_than_the_test_set_is_cut_to_it() -> None:
    """Else fewer samples than stated would be timed, and look faster than they are."""
    assert Schedule(batches=(1, 64, 256, 1000)).within(60).batches == (1, 60)
    assert Schedule(batches=(1, 64)).within(64).batches == (1, 64)
    assert Schedule(batches=(1, 64)).within(64, (8,)).batches == (8,)


def test_short_calls_are_many_and_long_ones_few() -> None:
    schedule = Schedule(slice_seconds=0.02, max_calls=200)
    assert [schedule.calls(us) for us in (0.0, 50, 100, 400, 9_000, 50_000)] == [
        200, 200, 200, 50, 2, 1
    ]  # fmt: skip


def test_the_default_slice_is_two_milliseconds() -> None:
    assert [Schedule().calls(us) for us in (1, 2, 30, 700, 1999, 2001)] == [1000, 1000, 66, 2, 1, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"starts": 2}, "2 starts have no interval: make 1, or 5"),
        ({"starts": 4}, "4 starts have no interval"),
        ({"starts": 0}, "greater than or equal to 1"),
        ({"blocks": 5}, "greater than or equal to 6"),
        ({"max_passes": 0}, "greater than or equal to 1"),
        ({"slice_seconds": 0}, "greater than 0"),
    ],
)
def test_a_schedule_that_has_no_interval_is_refused(change: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Schedule.model_validate(change)


@pytest.mark.parametrize("starts", [1, 5, 6])
def test_a_schedule_that_has_one_is_taken(starts: int) -> None:
    assert Schedule(starts=starts).starts == starts


def test_more_threads_take_as_many_starts_as_show_their_spread() -> None:
    assert [s.on_more_threads().starts for s in (Schedule(), FULL, QUICK, FIRST)] == [5, 5, 1, 1]
    assert not Schedule().on_more_threads().reading


def test_the_loop_that_reads_is_the_last_cell_of_a_block() -> None:
    assert Schedule(batches=(1, 8)).cells == (("model", 1), ("model", 8), ("end_to_end", 8))
    assert Schedule(batches=(1, 8)).without_reading().cells == (("model", 1), ("model", 8))
