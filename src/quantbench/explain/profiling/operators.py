"""Profilers of runtimes: what each file of profiles/ defines, and the operators that it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import Predict
from quantbench.explain import profiles
from quantbench.explain.records import Part
from quantbench.samples.records import Arrays
from quantbench.system.record import Record

WARM = 2
"""Calls of a profiled session that aren't counted: runtimes allocate and pack in the first."""


class Operator(Record):
    """One operator that a runtime executes.

    `sources` are the names by which a layer of the network may be known in it; `macs` are None
    where the profiler doesn't tell them, and `multiplies` says whether there are any.
    """

    name: str
    kind: str
    part: Part
    sources: tuple[str, ...] = ()
    macs: int | None = None

    @property
    def multiplies(self) -> bool:
        """Whether it is a layer that multiplies, on integers or in float32."""
        return self.part in ("integer", "float")


@dataclass(frozen=True)
class Profile:
    """The operators in the order of their execution, with microseconds [calls, operators].

    A profiler that sums its counters over calls has one row, their mean.
    """

    operators: tuple[Operator, ...]
    us: NDArray[np.float64]


@dataclass(frozen=True)
class Profiled:
    """A session whose profiler runs; `finish` is called once, after WARM calls and more."""

    predict: Predict
    finish: Callable[[], Profile]


class ProfilerModule(Protocol):
    """A runtime's own profiler, in a file of profiles/ that has the runtime's name.

    PROFILER is its name in a sentence; RESOLUTION are the microseconds that its clock can't tell
    apart, 0 for a fine one.
    """

    PROFILER: str
    RESOLUTION: float

    def start(self, artifact: Artifact, threads: int, inputs: Arrays, folder: Path) -> Profiled:
        """Load the artifact as its runtime does, with the profiler on.

        `inputs`: a batch, [N, ...] each; every call will have this shape. `folder`: an empty one
        for files. Raises UnavailableError where the profiler can't tell, with the reason.
        """


_SILENT = {
    "torch_compile": "its compiled library doesn't tell PyTorch's profiler of its kernels, and one "
    "that does would have to be compiled once more, which takes longer than all of an explanation",
}
"""Runtime -> why nothing tells where its time goes."""


def why_no_profile(runtime: str) -> str | None:
    """The reason why nothing tells where the time of a runtime goes, or None. Imports nothing."""
    if runtime in _SILENT:
        return _SILENT[runtime]
    if not runtime.isidentifier() or find_spec(f"{profiles.__name__}.{runtime}") is None:
        return f"quantbench reads no profiler of {runtime}"
    return None


def profiler(runtime: str) -> ProfilerModule:
    """The profiler of the runtime of that name, for which `why_no_profile` gives no reason."""
    return cast(ProfilerModule, import_module(f"{profiles.__name__}.{runtime}"))
