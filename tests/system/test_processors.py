"""Processors: real threads are moved, and files of the kernel's are read as it documents them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from quantbench.system import processors as module
from quantbench.system.processors import last, megahertz, pin, siblings, stolen, usable
from tests.process import python

TICKS = os.sysconf("SC_CLK_TCK")

PIN = """
import os, threading
from pathlib import Path
from quantbench.system.processors import pin, usable

ready, done = threading.Event(), threading.Event()

def work():
    ready.set()
    done.wait(60)

thread = threading.Thread(target=work)
thread.start()
ready.wait(60)
target = usable()[-1]
pin((target,))
later = threading.Thread(target=done.wait)
later.start()
for task in sorted(Path("/proc/self/task").iterdir(), key=lambda path: int(path.name)):
    lines = (task / "status").read_text().splitlines()
    allowed = next(line.split()[1] for line in lines if line.startswith("Cpus_allowed_list"))
    print(target, allowed)
done.set()
"""


def test_every_thread_is_moved_and_those_that_start_later_follow(tmp_path: Path) -> None:
    """The kernel's own account of the first thread, one that ran before, and one after."""
    found = python("-c", PIN, cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    lines = [line.split() for line in found.stdout.splitlines()]
    assert len(lines) >= 3
    assert all(target == allowed for target, allowed in lines)


def test_pinned_to_none_a_process_runs_where_it_did() -> None:
    before = os.sched_getaffinity(0)
    pin(())
    assert os.sched_getaffinity(0) == before


def test_a_system_without_affinity_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, whose os module has neither of the two functions, nor /proc."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "sched_setaffinity")
    assert usable() == ()
    assert last(1) == ()
    pin((0,))


def test_what_is_usable_is_what_taskset_tells() -> None:
    shown = subprocess.run(
        ["taskset", "-cp", str(os.getpid())], capture_output=True, text=True, check=True
    ).stdout
    listed = shown.rpartition(":")[2].strip()
    numbers: list[int] = []
    for part in listed.split(","):
        first, _, end = part.partition("-")
        numbers += range(int(first), int(end or first) + 1)
    assert usable() == tuple(numbers)


@pytest.mark.parametrize(
    ("allowed", "count", "expected"),
    [
        ({0, 1}, 1, (1,)),
        ({0, 1}, 2, ()),
        ({5}, 1, ()),
        ({8, 2, 4, 6}, 1, (8,)),
        ({8, 2, 4, 6}, 3, (4, 6, 8)),
        ({8, 2, 4, 6}, 9, ()),
    ],
)
def test_the_last_are_taken_and_one_is_left_for_others(
    monkeypatch: pytest.MonkeyPatch, allowed: set[int], count: int, expected: tuple[int, ...]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: allowed)
    assert last(count) == expected


STAT = """cpu  100 0 50 9000 20 0 5 37 0 0
cpu0 50 0 25 4500 10 0 2 30 0 0
cpu1 50 0 25 4500 10 0 3 7 0 0
intr 12345 0 9
ctxt 999
"""


@pytest.fixture
def stat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "stat"
    path.write_text(STAT)
    monkeypatch.setattr(module, "_STAT", path)
    return path


def test_stolen_time_is_the_eighth_number_of_a_processor(stat: Path) -> None:
    """proc_stat(5): user nice system idle iowait irq softirq steal, in ticks."""
    assert stolen((1,)) == pytest.approx(7 / TICKS)
    assert stolen((0, 1)) == pytest.approx(37 / TICKS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu1",
        "cpu1 50 0 25 4500 10 0 3",  # before Linux 2.6.11 a line had seven numbers
        "cpu1 50 0 25 4500 10 0 3 many",
        "nonsense\n\ncpu0 1 2 3 4 5 6 7 8",
    ],
)
def test_what_no_line_tells_is_none(stat: Path, text: str) -> None:
    stat.write_text(text)
    assert stolen((1,)) is None


def test_without_such_a_file_nothing_is_told(stat: Path) -> None:
    stat.unlink()
    assert stolen((0,)) is None


def test_siblings_and_rates_are_read_as_the_kernel_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CPU", tmp_path)
    topology, rate = tmp_path / "cpu3" / "topology", tmp_path / "cpu3" / "cpufreq"
    topology.mkdir(parents=True)
    rate.mkdir()
    for text, expected in (("1,3\n", (1,)), ("2-3\n", (2,)), ("3\n", ()), ("0-1,3,5-6\n", (0, 1, 5, 6))):  # fmt: skip  # noqa: E501
        (topology / "thread_siblings_list").write_text(text)
        assert siblings(3) == expected
    (rate / "scaling_cur_freq").write_text("2450123\n")
    assert megahertz(3) == 2450.123
    assert siblings(4) == ()


def test_the_rate_is_one_that_this_machine_tells() -> None:
    text = Path("/proc/cpuinfo").read_text()
    told = megahertz(0)
    assert ("cpu MHz" in text or Path("/sys/devices/system/cpu/cpu0/cpufreq").exists()) == (
        told is not None
    )
    assert told is None or 100 < told < 10_000
