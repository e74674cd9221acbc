"""Time every row in turn, round by round, so that a drifting clock meets all alike.

Two processes that run the same engine can differ for good by 1 to 2 %, because of where
their memory lies (Kalibera and Jones 2013: repeat at the level where the variance arises).
So workers are started afresh as often as there is time for, and it is the starts, not the
rounds, that a comparison counts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, cast

import numpy as np
from pydantic import Field

from quantbench.contracts import Track
from quantbench.errors import WorkerError
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.records import Latency, Record

TIMEOUT = 600.0
Kind = Literal["model", "end_to_end"]
Cell = tuple[Kind, int]
"""What is timed, and at which batch."""


class Plan(Record):
    """How long and how finely to measure; batches at or above `calls` images take one call."""

    batches: tuple[int, ...] = (1, 8, 64, 256, 1000)
    calls: int = 50
    least: int = Field(default=5, ge=2)
    most: int = 20
    seconds: float = 4.0
    starts: int = 1
    budget: float = 10.0

    @property
    def largest(self) -> int:
        return max(self.batches)

    def within(self, images: int) -> Plan:
        """No batch holds more than all the images."""
        batches = tuple(dict.fromkeys(min(batch, images) for batch in self.batches))
        return self.model_copy(update={"batches": batches})

    def calls_at(self, batch: int) -> int:
        return max(1, self.calls // batch)


@dataclass
class Rounds:
    """What one worker's rounds of one start gave: microseconds by call."""

    cells: dict[Cell, list[list[float]]] = field(default_factory=dict)
    busy: list[float] = field(default_factory=list)
    warm_up: int = 0
    failure: str | None = None

    def add(self, cell: Cell, calls: list[float]) -> None:
        self.cells.setdefault(cell, []).append(calls)


def time_in_turn(
    workers: Sequence[Worker], data: str, images: int, plan: Plan, track: Track, title: str
) -> list[Rounds]:
    """One start's rounds of each worker, warmed up. A worker that fails is left out from there.

    The order turns by one place each round, so no row always follows the same one.
    """
    gathered = [_warmed_up(worker, data, plan) for worker in workers]
    for number in track(_numbers(plan), title, plan.most):
        first = number * plan.largest % max(images - plan.largest + 1, 1)
        for place in range(len(workers)):
            index = (place + number) % len(workers)
            if gathered[index].failure is None:
                _time_row(workers[index], data, first, plan, gathered[index])
    return gathered


def read_in_turn(worker: Worker, data: str, images: int, plan: Plan) -> list[list[float]]:
    """Rounds of reading the data as the end-to-end loop does, without a model."""
    starts = (n * plan.largest % max(images - plan.largest + 1, 1) for n in range(plan.least))
    return [_ask(worker, "time_data", data, plan.largest, first, 1) for first in starts]


def latency(
    cell: Cell, threads: int, rounds: Sequence[Sequence[float]], starts: Sequence[int]
) -> Latency:
    """From microseconds a call to microseconds an image."""
    kind, batch = cell
    per_image = tuple(tuple(round(call / batch, 4) for call in calls) for calls in rounds)
    every = [value for calls in per_image for value in calls]
    return Latency(
        batch=batch,
        threads=threads,
        kind=kind,
        rounds=per_image,
        starts=tuple(starts),
        median=median(median(calls) for calls in per_image),
        p95=float(np.percentile(every, 95)),
        p99=float(np.percentile(every, 99)),
    )


def _numbers(plan: Plan) -> Iterator[int]:
    start = time.monotonic()
    for number in range(plan.most):
        if number >= plan.least and time.monotonic() - start > plan.seconds:
            return
        yield number


_STEADY = 3
_MOST_WARM_UP = 60


def _warmed_up(worker: Worker, data: str, plan: Plan) -> Rounds:
    """Calls at the smallest and the largest batch until three in a row bring no new best.

    "Best" is by 3 %: engines that compile, pack or allocate on first use get faster until
    they have done so.
    """
    rounds = Rounds()
    try:
        for batch in (min(plan.batches), plan.largest):
            best, since = float("inf"), 0
            while since < _STEADY and rounds.warm_up < _MOST_WARM_UP:
                calls = _ask(worker, "time_model", data, batch, 0, plan.calls_at(batch))
                rounds.warm_up += 1
                since = 0 if median(calls) < 0.97 * best else since + 1
                best = min(best, median(calls))
    except WorkerError as error:
        rounds.failure = str(error)
    return rounds


def _time_row(worker: Worker, data: str, first: int, plan: Plan, rounds: Rounds) -> None:
    try:
        for batch in plan.batches:
            calls = plan.calls_at(batch)
            # The others' rounds have emptied the caches: one call that isn't counted.
            request = Request(
                do="time_model", data=data, batch=batch, start=first, calls=calls, warm=calls > 1
            )
            answer = worker.ask(request, TIMEOUT)
            times = cast(list[float], answer["microseconds"])
            rounds.add(("model", batch), times)
            if batch == plan.largest:
                rounds.busy.append(cast(float, answer["cpu"]) / sum(times))
        reading = _ask(worker, "time_end_to_end", data, plan.largest, first, 1)
        rounds.add(("end_to_end", plan.largest), reading)
    except WorkerError as error:
        rounds.failure = str(error)


def _ask(worker: Worker, do: str, data: str, batch: int, first: int, calls: int) -> list[float]:
    request = Request(do=do, data=data, batch=batch, start=first, calls=calls)
    return cast(list[float], worker.ask(request, TIMEOUT)["microseconds"])
