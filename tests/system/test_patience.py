"""Code without a sign of progress is stopped; what shows one goes on."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time

import pytest

from quantbench.errors import OverdueError
from quantbench.system import patience as module
from quantbench.system.patience import patience
from quantbench.system.progress import NO_PROGRESS
from tests.progress import Recorded


def spin() -> None:
    for _ in itertools.count():
        with contextlib.suppress(Exception):
            [].index(0)


def test_code_that_never_ends_is_stopped() -> None:
    began = time.monotonic()
    with (
        pytest.raises(OverdueError, match=r"^gave no sign of progress for 0\.1 s$"),
        patience(0.1, NO_PROGRESS),
    ):
        spin()
    assert time.monotonic() - began >= 0.1


def test_it_is_stopped_in_another_thread_too() -> None:
    raised: list[OverdueError] = []

    def run() -> None:
        try:
            with patience(0.1, NO_PROGRESS):
                spin()
        except OverdueError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert len(raised) == 1


def test_code_that_swallows_it_is_stopped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN", 0.05)
    swallowed: list[BaseException] = []

    def careless() -> None:
        while len(swallowed) < 2:
            try:
                spin()
            except BaseException as error:  # noqa: BLE001
                swallowed.append(error)
        spin()

    with pytest.raises(OverdueError), patience(0.05, NO_PROGRESS):
        careless()
    assert len(swallowed) == 2


def test_lines_and_loops_are_signs_of_progress_and_are_handed_on() -> None:
    shown = Recorded()
    with patience(0.5, shown) as watched:
        for _ in watched.each(range(8), "steps", 8, str):
            time.sleep(0.1)
        for _ in range(8):
            time.sleep(0.1)
            watched.log("line")
        with watched.waiting("a library"):
            pass
    assert shown.lines == ["line"] * 8
    assert shown.loops == [("steps", 8, [*"01234567"])]


def test_the_end_holds_for_code_that_shows_progress() -> None:
    with pytest.raises(OverdueError), patience(60, NO_PROGRESS, time.monotonic() + 0.1) as watched:
        for _ in watched.each(itertools.count(), "steps", 0):
            pass


def test_code_that_was_in_time_is_left_alone() -> None:
    for _ in range(200):  # some end just as they become late
        with contextlib.suppress(OverdueError), patience(0.002, NO_PROGRESS):
            time.sleep(0.002)
    time.sleep(0.1)
    with pytest.raises(KeyError, match="own"), patience(60, NO_PROGRESS):
        raise KeyError("own")
    assert "patience" not in {thread.name for thread in threading.enumerate()}
