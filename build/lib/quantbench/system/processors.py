"""Processors as the scheduler numbers them: which may be used, and what else they did.

Linux tells all of it; elsewhere functions return nothing, and `pin` does nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path

_CPU = Path("/sys/devices/system/cpu")
_STAT = Path("/proc/stat")
_STEAL = 8
"""The place of the stolen time in a line of /proc/stat, whose first word names the processor."""


def usable() -> tuple[int, ...]:
    """The processors that this process may run on; none where the system has no affinity."""
    if "sched_getaffinity" not in vars(os):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


def last(count: int) -> tuple[int, ...]:
    """The last `count` of the usable processors, or none where that would leave no other.

    Interrupts and most programs prefer the first.
    """
    processors = usable()
    return processors[-count:] if len(processors) > count else ()


def siblings(processor: int) -> tuple[int, ...]:
    """The other processors that share the core of `processor` (simultaneous multithreading)."""
    text = _read(_CPU / f"cpu{processor}" / "topology" / "thread_siblings_list")
    return tuple(number for number in _numbers(text) if number != processor)


def pin(processors: Collection[int]) -> None:
    """Let every thread of this process run on `processors` alone.

    A thread that starts later inherits the place of the one that starts it.
    """
    for thread in Path("/proc/self/task").iterdir() if usable() and processors else ():
        try:
            os.sched_setaffinity(int(thread.name), processors)
        except ProcessLookupError:  # it ended meanwhile
            continue


def stolen(processors: Iterable[int]) -> float | None:
    """Seconds for which the hypervisor ran others on any of `processors`, since the start.

    None where the system doesn't tell.
    """
    lines = (line.split() for line in _read(_STAT).splitlines())
    fields = {words[0]: words for words in lines if words}
    try:
        ticks = [int(fields[f"cpu{number}"][_STEAL]) for number in processors]
        return sum(ticks) / os.sysconf("SC_CLK_TCK")
    except (KeyError, IndexError, ValueError):
        return None


def megahertz(processor: int) -> float | None:
    """The present clock rate of a processor, or None where the system doesn't tell."""
    kilohertz = _read(_CPU / f"cpu{processor}" / "cpufreq" / "scaling_cur_freq")
    if kilohertz.isdecimal():
        return int(kilohertz) / 1000
    parts = _read(Path("/proc/cpuinfo")).split("\n\n")
    part = parts[processor] if processor < len(parts) else ""
    fields = dict(line.split(":", 1) for line in part.splitlines() if ":" in line)
    rates = [value for name, value in fields.items() if name.strip() == "cpu MHz"]
    return float(rates[0]) if rates else None


def _numbers(text: str) -> Iterable[int]:
    """The numbers of a list such as "0,2-4"."""
    for part in text.split(","):
        first, _, end = part.partition("-")
        if first.strip().isdecimal():
            yield from range(int(first), int(end or first) + 1)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
