"""The worker process that process.py starts: it loads one artifact in a runtime and runs it.

It reads one JSON request a line and answers with one JSON line. Arrays go through .npy files,
so nothing is ever unpickled. A runtime's output to stdout is sent to stderr. Its arguments
are the plug-in files that the user named.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifacts.artifact import load_artifact
from quantbench.contracts import Predict
from quantbench.errors import PredictionError, QuantbenchError, StorageError, cause
from quantbench.harness.arrays import read_arrays, write_batches
from quantbench.samples.records import Array, Arrays
from quantbench.system.files import writing
from quantbench.system.instructions import Counter
from quantbench.system.machine import peak_memory
from quantbench.system.processors import pin
from quantbench.system.record import Record
from quantbench.tasks.network import TensorSpec

if TYPE_CHECKING:
    from quantbench.data import Split

ALIVE = "alive"
"""The key of a line that is no answer: the samples that are predicted so far."""
_ALIVE_SECONDS = 5.0
_BATCHES_BYTES = 2**20
"""The inputs that a timed loop goes round in: what was prepared just now is in a cache, too."""
INPUT, RAW, OUTPUT = "input", "raw", "output"
"""Stems of the files that hold a worker's samples and its answers."""


class Request(Record):
    """One request: `do` names the action, which reads those of the other fields that it needs."""

    do: str
    samples: str = ""
    """A folder with the prepared inputs, and for a `reader` with the raw data."""
    reader: str = ""
    """The data set whose reading from raw data is to be timed."""
    artifact: str = ""
    runtime: str = ""
    threads: int = 1
    outputs: tuple[TensorSpec, ...] = ()
    batch: int = 1
    pad: bool = False
    """Fill the last batch up: for a network that takes one batch size alone."""
    start: int = 0
    calls: int = 1
    warm: int = 0
    group: int = 1
    """Calls that are timed at once."""
    processors: tuple[int, ...] = ()
    out: str = ""
    """A folder to write the outputs to."""


class Session:
    """The state of a worker: samples and, once loaded, an artifact's predict."""

    def __init__(self, alive: Callable[[int], None] = lambda _: None) -> None:
        self._alive = alive
        self._predict: Predict | None = None
        self._outputs: tuple[TensorSpec, ...] = ()
        self._inputs: Arrays = ()
        self._raw: Split | None = None
        self._reader = ""
        self._counter: Counter | None = None

    def answer(self, request: Request) -> dict[str, JsonValue]:
        """Carry out one request and return its answer.

        Raises QuantbenchError, or whatever the runtime raises.
        """
        actions: dict[str, Callable[[Request], dict[str, JsonValue]]] = {
            "samples": self._samples,
            "load": self._load,
            "predict": self._predict_all,
            "time_model": self._time_model,
            "time_end_to_end": self._time_end_to_end,
            "time_data": self._time_data,
            "memory": self._memory,
            "instructions": self._instructions,
            "pin": self._pin,
        }
        return actions[request.do](request)

    def _samples(self, request: Request) -> dict[str, JsonValue]:
        folder = Path(request.samples)
        self._inputs = read_arrays(folder, INPUT)
        self._reader = request.reader
        if request.reader:
            (images,) = read_arrays(folder, RAW)
            self._raw = _unlabelled(images)
        return {"samples": len(self._inputs[0])}

    def _load(self, request: Request) -> dict[str, JsonValue]:
        """Time the cold start: import the runtime, read the artifact, predict one batch."""
        start = time.perf_counter()
        runtime = plugins.runtime(request.runtime)
        self._predict = runtime.load(load_artifact(Path(request.artifact)), request.threads)
        answer = self._predict(*self._batch(0, request.batch))
        seconds = time.perf_counter() - start
        self._outputs = request.outputs
        self._checked(answer, request.batch)
        return {"seconds": seconds}

    def _pin(self, request: Request) -> dict[str, JsonValue]:
        """Run on the given processors alone from now on, or where the system likes with none."""
        pin(request.processors)
        return {}

    def _memory(self, request: Request) -> dict[str, JsonValue]:  # noqa: ARG002
        """The most memory that this process has held, its samples included."""
        return {"bytes": peak_memory()}

    def _instructions(self, request: Request) -> dict[str, JsonValue]:  # noqa: ARG002
        """The instructions since this was first asked, of this process and its later threads."""
        if self._counter is None:
            self._counter = Counter()
        return {"count": self._counter.read()}

    def _predict_all(self, request: Request) -> dict[str, JsonValue]:
        self._ready()
        count = len(self._inputs[0])
        try:
            with writing(Path(request.out).parent):
                write_batches(Path(request.out), OUTPUT, self._answers(request, count), count)
        except StorageError as error:  # a fault of the study's disk, not of this row
            return {"unwritten": str(error)}
        return {"rows": count}

    def _answers(self, request: Request, count: int) -> Iterator[Arrays]:
        predict, shown = self._ready(), time.monotonic()
        for start in range(0, count, request.batch):
            if time.monotonic() - shown > _ALIVE_SECONDS:
                shown = time.monotonic()
                self._alive(start)
            size = min(request.batch, count - start)
            asked = request.batch if request.pad else size
            answer = self._checked(predict(*self._batch(start, asked)), asked, start)
            yield tuple(array[:size] for array in answer)

    def _batch(self, start: int, size: int) -> Arrays:
        """The inputs from `start` on, in memory; where they end, the last is repeated."""
        count = len(self._inputs[0])
        if start + size <= count:
            return tuple(np.array(array[start : start + size]) for array in self._inputs)
        chosen = np.minimum(np.arange(start, start + size), count - 1)
        return tuple(array[chosen] for array in self._inputs)

    def _time_model(self, request: Request) -> dict[str, JsonValue]:
        """Time `calls` calls after `warm` untimed ones, `group` at a time; inputs are in memory.

        The answer has the microseconds of a call in each group, and the wall and processor time of
        all groups.
        """
        predict, batches = self._ready(), self._some_batches(request)
        for number in range(request.warm):
            predict(*batches[number % len(batches)])
        groups = [
            [batches[(start + number) % len(batches)] for number in range(size)]
            for start in range(0, request.calls, request.group)
            if (size := min(request.group, request.calls - start))
        ]
        times, busy, began = [], time.process_time(), time.perf_counter_ns()
        for group in groups:
            start = time.perf_counter_ns()
            for batch in group:
                answer = predict(*batch)
            times.append((time.perf_counter_ns() - start) / 1e3 / len(group))
        wall = (time.perf_counter_ns() - began) / 1e3
        cpu = (time.process_time() - busy) * 1e6
        self._checked(answer, request.batch)
        return {"microseconds": [*times], "wall": wall, "cpu": cpu}

    def _some_batches(self, request: Request) -> list[Arrays]:
        """A batch for each call, or as many as _BATCHES_BYTES hold: one at least."""
        places = max(len(self._inputs[0]) - request.batch + 1, 1)
        size = request.batch * sum(array[:1].nbytes for array in self._inputs)
        count = max(1, min(request.calls, _BATCHES_BYTES // max(size, 1)))
        return [
            self._batch((request.start + number * request.batch) % places, request.batch)
            for number in range(count)
        ]

    def _time_end_to_end(self, request: Request) -> dict[str, JsonValue]:
        """Time reading and predicting in one loop, as the source report did."""
        predict = self._ready()
        return self._timed_loop(request, predict)

    def _time_data(self, request: Request) -> dict[str, JsonValue]:
        return self._timed_loop(request, lambda inputs: inputs)

    def _timed_loop(self, request: Request, use: Callable[[Array], object]) -> dict[str, JsonValue]:
        from quantbench.data import iterate_like_a_report

        assert self._raw is not None
        chosen = slice(request.start, request.start + request.batch * request.calls)
        part = _unlabelled(self._raw.images[chosen])
        spec = plugins.data(self._reader).SPEC
        start = time.perf_counter_ns()
        for inputs, _ in iterate_like_a_report(part, spec, request.batch):
            use(inputs)
        return {"microseconds": [(time.perf_counter_ns() - start) / 1e3 / request.calls]}

    def _checked(self, answer: Array | Arrays, samples: int, start: int = 0) -> Arrays:
        """The outputs as a tuple. Raises PredictionError for anything but what was expected.

        `start`: the place of the first sample, for the message.
        """
        outputs = answer if isinstance(answer, tuple) else (answer,)
        if len(outputs) != len(self._outputs):
            raise PredictionError(f"gave {len(outputs)} outputs, not {len(self._outputs)}")
        for array, spec in zip(outputs, self._outputs, strict=True):
            expected = (samples, *spec.shape)
            if array.shape != expected or array.dtype != spec.dtype:
                raise PredictionError(
                    f"gave {array.dtype} {list(array.shape)}, not {spec.dtype} {list(expected)}"
                )
            finite = np.isfinite(array).reshape(samples, -1).all(axis=1)
            if spoilt := int((~finite).sum()):
                raise PredictionError(
                    f"gave values that aren't finite for {spoilt} of a batch of {samples}, "
                    f"first for sample {start + int(finite.argmin())}"
                )
        return outputs

    def _ready(self) -> Predict:
        assert self._predict is not None
        return self._predict


def _unlabelled(images: Array) -> Split:
    from quantbench.data import Split  # it imports what downloads and draws: a few workers need it

    places = np.arange(len(images))
    return Split("test", images, np.zeros_like(places), places)


def serve(requests: IO[str], answers: IO[str], session_type: type[Session] = Session) -> None:
    """Answer requests line by line until they end; an error becomes the answer {"error": ...}."""

    def send(answer: dict[str, JsonValue]) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    session = session_type(lambda done: send({ALIVE: done}))
    for line in requests:
        request = Request.model_validate_json(line)
        try:
            answer = session.answer(request)
        except QuantbenchError as error:
            answer = {"error": str(error)}
        except Exception as error:  # noqa: BLE001  # a runtime may raise anything
            traceback.print_exc()
            answer = {"error": f"raised {cause(error)}"}
        send(answer)


def main(session_type: type[Session] = Session) -> None:
    """Serve stdin to stdout, with all other output sent to stderr and garbage collection off."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when workers end
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    gc.disable()
    plugins.use_plugins(*sys.argv[1:])
    serve(sys.stdin, answers, session_type)


if __name__ == "__main__":
    main()
