"""The processor's counter, by the event that every system lends: its own clock of this process."""

import subprocess
import sys
import threading
import time

import pytest

from quantbench.system.instructions import Counter, why_none


def spin(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def clock() -> Counter:
    try:
        return Counter("task-clock")
    except OSError as error:
        pytest.skip(f"this system lends no perf_event: {error}")


def test_it_counts_this_process(clock: Counter) -> None:
    before, began = clock.read(), time.process_time()
    spin(0.05)
    counted, spent = (clock.read() - before) / 1e9, time.process_time() - began
    assert counted == pytest.approx(spent, rel=0.1)


def test_it_counts_the_threads_that_start_later(clock: Counter) -> None:
    before = clock.read()
    thread = threading.Thread(target=spin, args=(0.1,))
    thread.start()
    thread.join()
    assert clock.read() - before > 0.09e9


def test_instructions_are_counted_or_a_reason_is_given() -> None:
    why = why_none()
    if why is not None:
        assert why.startswith("the system lends no counter of instructions (")
        return
    loop = "from quantbench.system.instructions import Counter\nc = Counter()\na = c.read()\n"
    loop += "for _ in range({}): pass\nprint(c.read() - a)"
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", loop.format(n)])) for n in (10**5, 10**6)
    )
    assert 7 < (many - few) / (9 * 10**5) * 1 < 1000  # of each turn of Python's loop
