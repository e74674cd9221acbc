"""Count this process's instructions by the processor's own counter, where the system lends it.

The counter is opened by perf_event_open(2), which the C library has no function for.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import Literal

_NUMBERS = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
"""The number of the system call perf_event_open, by machine."""
_EVENTS: dict[str, tuple[int, int]] = {"instructions": (0, 1), "task-clock": (1, 1)}
"""Type and config of each event (linux/perf_event.h); the system itself keeps task-clock, in ns."""
_INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 1 << 1, 1 << 5, 1 << 6
Event = Literal["instructions", "task-clock"]


class _Attributes(ctypes.Structure):
    """The fields of struct perf_event_attr, version 0, which every kernel takes."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("config", ctypes.c_uint64),
        ("sample_period", ctypes.c_uint64),
        ("sample_type", ctypes.c_uint64),
        ("read_format", ctypes.c_uint64),
        ("flags", ctypes.c_uint64),
        ("wakeup_events", ctypes.c_uint32),
        ("bp_type", ctypes.c_uint32),
        ("bp_addr", ctypes.c_uint64),
    )


class Counter:
    """A running count of this process and of the threads that it starts from now on.

    Only what runs outside of the kernel is counted. Raises OSError where the system lends none.
    """

    def __init__(self, event: Event = "instructions") -> None:
        number = _NUMBERS.get(platform.machine())
        if sys.platform != "linux" or number is None:
            raise OSError(f"{platform.system()} on {platform.machine()} has no perf_event")
        kind, config = _EVENTS[event]
        attributes = _Attributes(
            type=kind,
            size=ctypes.sizeof(_Attributes),
            config=config,
            flags=_INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR,
        )
        library = ctypes.CDLL(None, use_errno=True)
        this_process, any_processor, no_group, close_on_exec = 0, -1, -1, 8
        self._file = library.syscall(
            ctypes.c_long(number),
            ctypes.byref(attributes),
            *(ctypes.c_int(value) for value in (this_process, any_processor, no_group)),
            ctypes.c_ulong(close_on_exec),
        )
        if self._file < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    def read(self) -> int:
        """The count since the counter was opened."""
        return int.from_bytes(os.read(self._file, 8), sys.byteorder)

    def close(self) -> None:
        """Give the counter back."""
        os.close(self._file)


def why_none() -> str | None:
    """The reason why this process can't count its instructions; None where it can."""
    try:
        Counter().close()
    except OSError as error:
        hint = ": allow it by kernel.perf_event_paranoid=2" if error.errno in (1, 13) else ""
        return f"the system lends no counter of instructions ({error.strerror or error}){hint}"
    return None
