"""The worker process that time_split.py starts: harness/worker.py's, which can profile as well.

One process holds a row's session as it is measured and, for some rounds, one whose profiler runs;
calls of both alternate, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from quantbench.artifacts.artifact import load_artifact
from quantbench.contracts import Predict
from quantbench.explain.profiling.operators import WARM, Profile, ProfilerModule, profiler
from quantbench.explain.profiling.undisturbed import undisturbed
from quantbench.harness.worker import Request, Session, main
from quantbench.samples.records import Arrays

ROUNDS = 5
"""Sessions of the profiler: the fastest counts, as some are disturbed from beginning to end."""
_MIN_CALLS, _MAX_CALLS = 5, 60
"""Calls of each session in a round."""
_SECONDS = 1.5
"""The time that all rounds of one batch may take, about: a first round always fits."""


class ProfilingSession(Session):
    """A worker's session that answers two more requests: `profile`, and `line` of batches."""

    def answer(self, request: Request) -> dict[str, JsonValue]:
        """Carry out one request, as Session does."""
        if request.do == "profile":
            return self._profile(request)
        if request.do == "lines":
            return self._lines(request)
        return super().answer(request)

    def _profile(self, request: Request) -> dict[str, JsonValue]:
        """Microseconds of a call without and with the profiler, and of each operator in it."""
        module = profiler(request.runtime)
        inputs, plain = self._batch(request.start, request.batch), self._ready()
        began, rounds = time.monotonic(), list[tuple[float, float, Profile]]()
        while not rounds or (len(rounds) < ROUNDS and time.monotonic() - began < _SECONDS):
            with tempfile.TemporaryDirectory(dir=request.out) as folder:
                rounds.append(_round(module, request, plain, inputs, Path(folder)))
        chosen = min((profile for _, _, profile in rounds), key=_sum)
        return {
            "profiler": module.PROFILER,
            "resolution": module.RESOLUTION,
            "total": min(total for total, _, _ in rounds),
            "profiled": min(profiled for _, profiled, _ in rounds),
            "operators": [operator.model_dump(mode="json") for operator in chosen.operators],
            "us": [float(us) for us in undisturbed(chosen.us)],
        }

    def _lines(self, request: Request) -> dict[str, JsonValue]:
        """Microseconds of an unprofiled call at batches 1, 2, 4, ... up to `batch`, in turn."""
        plain = self._ready()
        sizes = [
            2**power for power in range(request.batch.bit_length()) if 2**power <= request.batch
        ]
        batches = {size: self._batch(request.start, size) for size in sizes}
        for inputs in batches.values():
            _timed(plain, inputs, WARM)
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(request.calls):
            for size, inputs in batches.items():
                times[size] += _timed(plain, inputs, 1)
        return {"us": {str(size): float(undisturbed(np.array(its))) for size, its in times.items()}}


def _round(
    module: ProfilerModule, request: Request, plain: Predict, inputs: Arrays, folder: Path
) -> tuple[float, float, Profile]:
    """Microseconds of a call without and with the profiler, and what the profiler tells."""
    artifact = load_artifact(Path(request.artifact))
    session = module.start(artifact, request.threads, inputs, folder)
    slowest = max(*_timed(plain, inputs, WARM), *_timed(session.predict, inputs, WARM))
    fitting = int(_SECONDS * 1e6 / ROUNDS / max(2 * slowest, 1.0))
    totals, profiled = list[float](), list[float]()
    for _ in range(min(_MAX_CALLS, max(_MIN_CALLS, fitting))):
        totals += _timed(plain, inputs, 1)
        profiled += _timed(session.predict, inputs, 1)
    return (
        float(undisturbed(np.array(totals))),
        float(undisturbed(np.array(profiled))),
        session.finish(),
    )


def _sum(profile: Profile) -> float:
    return float(undisturbed(profile.us).sum())


def _timed(predict: Predict, inputs: Sequence[NDArray[np.generic]], calls: int) -> list[float]:
    times = []
    for _ in range(calls):
        start = time.perf_counter_ns()
        predict(*inputs)
        times.append((time.perf_counter_ns() - start) / 1e3)
    return times


if __name__ == "__main__":
    main(ProfilingSession)
