"""Time every row in turn, round by round, so that a drifting clock meets all alike."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Literal, cast

import numpy as np

from quantbench.contracts import Track
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.records import Latency, Record

TIMEOUT = 600.0
_WARM_CALLS = 5


class Plan(Record):
    """How long and how finely to measure."""

    batch: int = 1000
    calls: int = 50
    least: int = 5
    most: int = 20
    seconds: float = 5.0


class Timing(Record):
    """Of one worker; `data` is without a model."""

    name: str
    latency: tuple[Latency, ...]
    busy_threads: float


def time_in_turn(
    workers: Sequence[Worker], data_worker: Worker, data: str, images: int, plan: Plan, track: Track
) -> tuple[list[Timing], Latency]:
    """The timing of each worker, and of reading the data alone.

    Round -1 warms up and is dropped. The order turns by one place each round, so no row
    always follows the same one. A batch holds no more than all `images`.
    """
    plan = plan.model_copy(update={"batch": min(plan.batch, images)})
    raw: list[dict[str, list[list[float]]]] = [
        {"single": [], "model": [], "end_to_end": []} for _ in workers
    ]
    busy: list[list[float]] = [[] for _ in workers]
    reading: list[list[float]] = []
    for number in track(_rounds(plan), "measuring", plan.most):
        start = max(number, 0) * plan.batch % max(images - plan.batch + 1, 1)
        kept = number >= 0
        for place in range(len(workers)):
            index = (place + number) % len(workers)
            times, cpu = _time_row(workers[index], data, start, plan)
            if kept:
                for kind, values in times.items():
                    raw[index][kind].append(values)
                busy[index].append(cpu)
        read = _ask(data_worker, "time_data", data, plan.batch, start)
        if kept:
            reading.append(read)
    timings = [
        Timing(
            name=worker.name,
            latency=(
                latency("model", 1, worker.threads, times["single"]),
                latency("model", plan.batch, worker.threads, times["model"]),
                latency("end_to_end", plan.batch, worker.threads, times["end_to_end"]),
            ),
            busy_threads=median(cpu),
        )
        for worker, times, cpu in zip(workers, raw, busy, strict=True)
    ]
    return timings, latency("end_to_end", plan.batch, 1, reading)


def latency(
    kind: Literal["model", "end_to_end"], batch: int, threads: int, rounds: list[list[float]]
) -> Latency:
    """From microseconds a call to microseconds an image."""
    per_image = tuple(tuple(round(call / batch, 4) for call in calls) for calls in rounds)
    every = [value for calls in per_image for value in calls]
    return Latency(
        batch=batch,
        threads=threads,
        kind=kind,
        rounds=per_image,
        median=median(median(calls) for calls in per_image),
        p95=float(np.percentile(every, 95)),
    )


def _rounds(plan: Plan) -> Iterator[int]:
    yield -1
    start = time.monotonic()
    for number in range(plan.most):
        if number >= plan.least and time.monotonic() - start > plan.seconds:
            return
        yield number


def _time_row(
    worker: Worker, data: str, start: int, plan: Plan
) -> tuple[dict[str, list[float]], float]:
    single = _ask(worker, "time_model", data, 1, start, plan.calls, _WARM_CALLS)
    request = Request(do="time_model", data=data, batch=plan.batch, start=start)
    answer = worker.ask(request, TIMEOUT)
    model = cast(list[float], answer["microseconds"])
    end_to_end = _ask(worker, "time_end_to_end", data, plan.batch, start)
    times = {"single": single, "model": model, "end_to_end": end_to_end}
    return times, cast(float, answer["cpu"]) / sum(model)


def _ask(
    worker: Worker, do: str, data: str, batch: int, start: int, calls: int = 1, warm: int = 0
) -> list[float]:
    request = Request(do=do, data=data, batch=batch, start=start, calls=calls, warm=warm)
    return cast(list[float], worker.ask(request, TIMEOUT)["microseconds"])
