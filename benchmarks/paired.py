"""What the benchmarks share: a line of a table, and ONNX Runtime at its best."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from scipy.stats import quantile_test

from quantbench.c99.build.loader import Bound
from quantbench.c99.compile import compiled
from quantbench.c99.emit.library import Options
from quantbench.c99.target.target import Target
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request

TIMEOUT = 600.0
"""Seconds to wait for a worker's answer."""


def line(times: list[float], first: list[float]) -> str:
    """The median, and the ratio to `first` with its 95 % interval, paired by round."""
    ratios = [its / base for its, base in zip(times, first, strict=True)]
    interval = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return (
        f"{median(times):9.2f}   {median(ratios):6.2f} ({interval.low:.2f} to {interval.high:.2f})"
    )


class Bindable(Protocol):
    """Inputs and outputs are bound before a call, which then copies nothing; one thread."""

    def bind(self, inputs: NDArray[np.float32]) -> Callable[[], object]:
        """The call that is to be timed."""

    def answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits."""


class C99:
    def __init__(self, model: Path) -> None:
        emitted = compiled(model, Target.NATIVE, options=Options(samples=16))
        self._bound, self._shape = Bound(emitted), emitted.plan.output.shape

    def bind(self, inputs: NDArray[np.float32]) -> Callable[[], object]:
        self._answer = np.zeros((len(inputs), *self._shape), np.float32)
        return self._bound.bind(inputs, self._answer)

    def answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        self.bind(inputs)()
        return self._answer


class Plain:
    """A runtime of quantbench's own, which copies inputs and outputs."""

    def __init__(self, predict: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        self.answer = predict

    def bind(self, inputs: NDArray[np.float32]) -> Callable[[], object]:
        return lambda: self.answer(inputs)


class OnnxRuntime:
    def __init__(self, model: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._binding = self._session.io_binding()
        self._answer = np.zeros((0, 0), np.float32)

    def bind(self, inputs: NDArray[np.float32]) -> Callable[[], object]:
        (given,), (taken,) = self._session.get_inputs(), self._session.get_outputs()
        shape = (len(inputs), taken.shape[1])
        self._answer = np.zeros(shape, np.float32)
        self._binding.bind_cpu_input(given.name, inputs)
        self._binding.bind_output(taken.name, "cpu", 0, np.float32, shape, self._answer.ctypes.data)
        return lambda: self._session.run_with_iobinding(self._binding)

    def answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        self.bind(inputs)()
        return self._answer.copy()


def timed(call: Callable[[], object]) -> float:
    """Microseconds."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / 1e3


class Row(Protocol):
    """A line of a table: what is called in turn with others."""

    @property
    def name(self) -> str: ...

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        """Microseconds of each call."""


@dataclass(frozen=True)
class InWorker:
    """A runtime in a process of its own, which has samples and has loaded an artifact."""

    worker: Worker

    @property
    def name(self) -> str:
        return self.worker.name

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        asked = Request(do="time_model", batch=batch, calls=calls, warm=warm)
        return self.worker.ask(asked, TIMEOUT)["microseconds"]  # type: ignore[return-value]


@dataclass(frozen=True)
class InHere:
    """An engine in this process."""

    name: str
    engine: Bindable
    inputs: NDArray[np.float32]

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        places = len(self.inputs) - batch + 1
        starts = (call * batch % places for call in range(warm + calls))
        found = [timed(self.engine.bind(self.inputs[at : at + batch])) for at in starts]
        return found[warm:]


def one_round(
    rows: Sequence[Row], number: int, batch: int, calls: Sequence[int], warm: Sequence[int]
) -> list[float]:
    """Each row's median call, microseconds a sample; the order turns by one with each `number`."""
    times = [0.0] * len(rows)
    for place in range(len(rows)):
        at = (place + number) % len(rows)
        times[at] = median(rows[at].times(batch, calls[at], warm[at])) / batch
    return times
