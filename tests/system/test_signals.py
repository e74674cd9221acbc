"""Signals that would end the program wait until a block is through."""

from __future__ import annotations

import signal
import threading

import pytest

from quantbench.system.signals import ENDING, uninterrupted


class EndedError(Exception):
    pass


def end(signum: int, frame: object) -> None:
    raise EndedError


def interrupted(number: signal.Signals, done: list[str]) -> None:
    with uninterrupted():
        signal.raise_signal(number)
        done.append("after the signal")


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_is_delivered_at_the_end(number: signal.Signals) -> None:
    before = signal.signal(number, end)
    done: list[str] = []
    try:
        with pytest.raises(EndedError):
            interrupted(number, done)
        assert done == ["after the signal"]
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)


def test_other_threads_get_no_signals() -> None:
    seen = []

    def inside() -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
