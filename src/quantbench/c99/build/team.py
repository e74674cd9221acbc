"""The threads of a built network that compute one image together: see kernels/threads.h."""

from __future__ import annotations

import ctypes
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantbench.errors import CompileError


@dataclass(frozen=True)
class Team:
    """Threads that wait for calls until nothing refers to this object.

    `address`: of the structure `model_team`. They end with the process, and a process that is
    forked, which has none of them, computes on the thread that calls.
    """

    library: ctypes.CDLL
    address: ctypes.c_void_p

    def image(self, image: object, given: object) -> None:
        """Compute one image, without Python's lock: the arguments of `model_image`."""
        self.library.model_team_image(self.address, image, given)

    def meet(self, times: int) -> None:
        """Let all threads wait for one another so often, and do nothing else."""
        self.library.model_team_meet(self.address, ctypes.c_size_t(times))


def team(library: ctypes.CDLL, scratch: NDArray[np.uint8]) -> Team | None:
    """Start the threads of a library with parts; None where the system has no more threads.

    Raises CompileError where they give other bits than one thread.
    """
    functions: Any = library
    functions.model_team_open.restype = ctypes.c_void_p
    functions.model_team_golden.restype = ctypes.c_size_t
    for name in ("image", "meet", "close"):
        getattr(functions, f"model_team_{name}").restype = None
    opened = functions.model_team_open()
    if opened is None:
        return None
    started = Team(library, ctypes.c_void_p(opened))
    ending = weakref.finalize(started, functions.model_team_close, started.address)
    ending.atexit = False  # a thread that waits doesn't hinder the process from ending
    pointer = ctypes.c_void_p(scratch.ctypes.data)
    if vector := functions.model_team_golden(started.address, pointer):
        raise CompileError(
            f"the compiled network gives other bits for golden vector {vector} on several threads "
            "than on one; use one thread"
        )
    return started
