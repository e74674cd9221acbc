"""Blocks are dropped by what was stolen in them, never by their times."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from quantbench.harness import noise
from quantbench.harness.noise import Block, Clock, sifted


def blocks(*stolen: float | None) -> tuple[Block, ...]:
    return tuple(Block(start=0, seconds=1.0, stolen=share, megahertz=None) for share in stolen)


def kept(*stolen: float | None) -> list[bool]:
    return [block.kept for block in sifted(blocks(*stolen))]


def test_a_block_of_which_more_than_two_per_cent_was_stolen_is_dropped() -> None:
    shares = (0.0, 0.02, 0.0201, 0.5, 0.01, 0.0, 0.0, 0.0, 0.0)
    assert kept(*shares) == [share <= 0.02 for share in shares]


@pytest.mark.parametrize("robbed", [3, 4])
def test_no_more_than_a_third_is_dropped(robbed: int) -> None:
    """Of ten, three are; where four would be, none is: then it is how the machine is."""
    assert kept(*[0.1] * robbed, *[0.0] * (10 - robbed)).count(False) == (3 if robbed == 3 else 0)


def test_so_many_are_kept_that_an_interval_is_left() -> None:
    """Two of eight are dropped, and none of seven: six have an interval, five don't."""
    assert kept(0.1, 0.1, *[0.0] * 6) == [False] * 2 + [True] * 6
    assert kept(0.1, 0.1, *[0.0] * 5) == [True] * 7
    assert kept(0.1, *[0.0] * 5) == [True] * 6


def test_where_nothing_is_told_all_are_kept() -> None:
    assert kept(*[None] * 9) == [True] * 9
    assert sifted(()) == ()


def test_the_rule_sees_no_times() -> None:
    long = [block.model_copy(update={"seconds": 100.0}) for block in blocks(*[0.0] * 9)]
    assert all(block.kept for block in sifted(long))


def test_a_clock_tells_the_share_that_was_stolen_while_a_block_ran(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two seconds, of which 0.1 s were stolen from processors 2 and 3; then one without any."""
    seconds = iter((10.0, 12.0, 20.0, 21.0))
    ticks = iter((5.0, 5.1, 7.0, 7.0))
    asked: list[Sequence[int]] = []

    class Time:
        @staticmethod
        def monotonic() -> float:
            return next(seconds)

    def stolen(processors: Sequence[int]) -> float:
        asked.append(processors)
        return next(ticks)

    monkeypatch.setattr(noise, "time", Time)
    monkeypatch.setattr(noise, "stolen", stolen)
    monkeypatch.setattr(noise, "megahertz", lambda processor: 1000.0 * processor)
    clock = Clock(3, (2, 3))
    found = []
    for _ in range(2):
        clock.begin()
        found.append(clock.block())
    assert found == [
        Block(start=3, seconds=2.0, stolen=0.05, megahertz=2000.0),
        Block(start=3, seconds=1.0, stolen=0.0, megahertz=2000.0),
    ]
    assert asked == [(2, 3)] * 4


@pytest.mark.parametrize("ticks", [(None, None), (1.0, None), (None, 1.0)])
def test_what_the_system_does_not_tell_is_null(
    monkeypatch: pytest.MonkeyPatch, ticks: tuple[float | None, float | None]
) -> None:
    told = iter(ticks)
    monkeypatch.setattr(noise, "stolen", lambda _: next(told))
    clock = Clock(0, (1,))
    clock.begin()
    assert clock.block().stolen is None


def test_workers_that_run_anywhere_have_no_processor_to_tell_of() -> None:
    clock = Clock(0, ())
    clock.begin()
    block = clock.block()
    assert (block.stolen, block.megahertz) == (None, None)
