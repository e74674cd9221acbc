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
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from quantbench import plugins
from quantbench.artifacts.artifact import load_artifact
from quantbench.contracts import Predict
from quantbench.data import Split, iterate_like_a_report, preprocess
from quantbench.errors import PredictionError, QuantbenchError, StorageError, cause
from quantbench.harness.arrays import write_array
from quantbench.system.files import writing
from quantbench.system.machine import peak_memory
from quantbench.system.record import Record


class Request(Record):
    """One request: `do` names the action, which reads those of the other fields that it needs."""

    do: str
    data: str = ""
    images: str = ""
    artifact: str = ""
    runtime: str = ""
    threads: int = 1
    classes: int = 10
    batch: int = 1
    start: int = 0
    calls: int = 1
    warm: int = 0
    out: str = ""


class Session:
    """The state of a worker: images uint8 [N, 28, 28] and, once loaded, an artifact's predict."""

    def __init__(self) -> None:
        self._predict: Predict | None = None
        self._classes = 0
        self._split: Split | None = None
        self._inputs = np.zeros((0, 1, 1, 1), np.float32)

    def answer(self, request: Request) -> dict[str, JsonValue]:
        """Carry out one request and return its answer.

        Raises QuantbenchError, or whatever the runtime raises.
        """
        actions: dict[str, Callable[[Request], dict[str, JsonValue]]] = {
            "images": self._images,
            "load": self._load,
            "predict": self._predict_all,
            "time_model": self._time_model,
            "time_end_to_end": self._time_end_to_end,
            "time_data": self._time_data,
            "memory": self._memory,
        }
        return actions[request.do](request)

    def _images(self, request: Request) -> dict[str, JsonValue]:
        images = np.load(request.images, allow_pickle=False)
        self._split = _unlabelled(images)
        self._inputs = preprocess(images, plugins.data(request.data).SPEC)
        return {"images": len(images)}

    def _load(self, request: Request) -> dict[str, JsonValue]:
        """Time the cold start: import the runtime, read the artifact, predict one image."""
        start = time.perf_counter()
        runtime = plugins.runtime(request.runtime)
        self._predict = runtime.load(load_artifact(Path(request.artifact)), request.threads)
        logits = self._predict(self._inputs[:1])
        seconds = time.perf_counter() - start
        self._classes = request.classes
        self._check(logits, 1)
        return {"seconds": seconds}

    def _memory(self, request: Request) -> dict[str, JsonValue]:  # noqa: ARG002
        """The most memory that this process has held, its images included."""
        return {"bytes": peak_memory()}

    def _predict_all(self, request: Request) -> dict[str, JsonValue]:
        predict = self._ready()
        starts = range(0, len(self._inputs), request.batch)
        logits = np.concatenate(
            [predict(self._inputs[start : start + request.batch]) for start in starts]
        )
        self._check(logits, len(self._inputs))
        try:
            with writing(Path(request.out).parent):
                write_array(Path(request.out), logits)
        except StorageError as error:  # a fault of the study's disk, not of this row
            return {"unwritten": str(error)}
        return {"rows": len(logits)}

    def _time_model(self, request: Request) -> dict[str, JsonValue]:
        """Time `calls` calls after `warm` untimed ones: microseconds each, inputs in memory."""
        predict, places = self._ready(), len(self._inputs) - request.batch + 1
        starts = (
            (request.start + call * request.batch) % places
            for call in range(request.warm + request.calls)
        )
        batches = [np.ascontiguousarray(self._inputs[i : i + request.batch]) for i in starts]
        for batch in batches[: request.warm]:
            predict(batch)
        times, busy = [], time.process_time()
        for batch in batches[request.warm :]:
            start = time.perf_counter_ns()
            logits = predict(batch)
            times.append((time.perf_counter_ns() - start) / 1e3)
        cpu = (time.process_time() - busy) * 1e6
        self._check(logits, request.batch)
        return {"microseconds": [*times], "cpu": cpu}

    def _time_end_to_end(self, request: Request) -> dict[str, JsonValue]:
        """Time reading and predicting in one loop, as the source report did."""
        predict = self._ready()
        return self._timed_loop(request, predict)

    def _time_data(self, request: Request) -> dict[str, JsonValue]:
        return self._timed_loop(request, lambda inputs: inputs)

    def _timed_loop(
        self, request: Request, use: Callable[[NDArray[np.float32]], object]
    ) -> dict[str, JsonValue]:
        assert self._split is not None
        chosen = slice(request.start, request.start + request.batch * request.calls)
        part = _unlabelled(self._split.images[chosen])
        start = time.perf_counter_ns()
        for inputs, _ in iterate_like_a_report(
            part, plugins.data(request.data).SPEC, request.batch
        ):
            use(inputs)
        return {"microseconds": [(time.perf_counter_ns() - start) / 1e3 / request.calls]}

    def _check(self, logits: NDArray[np.float32], images: int) -> None:
        """Raise PredictionError for anything but finite float32 [images, classes]."""
        expected = (images, self._classes)
        if logits.shape != expected or logits.dtype != np.float32:
            raise PredictionError(
                f"gave {logits.dtype} {list(logits.shape)} for {images} images, "
                f"not float32 {list(expected)}"
            )
        if spoilt := int((~np.isfinite(logits)).any(axis=1).sum()):
            raise PredictionError(f"gave values that aren't finite for {spoilt} of {images} images")

    def _ready(self) -> Predict:
        assert self._predict is not None
        return self._predict


def _unlabelled(images: NDArray[np.uint8]) -> Split:
    places = np.arange(len(images))
    return Split("test", images, np.zeros_like(places), places)


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer requests line by line until they end; an error becomes the answer {"error": ...}."""
    session = Session()
    for line in requests:
        request = Request.model_validate_json(line)
        try:
            answer = session.answer(request)
        except QuantbenchError as error:
            answer = {"error": str(error)}
        except Exception as error:  # noqa: BLE001  # a runtime may raise anything
            traceback.print_exc()
            answer = {"error": f"raised {cause(error)}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve stdin to stdout, with all other output sent to stderr and garbage collection off."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when workers end
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    gc.disable()
    plugins.use_plugins(*sys.argv[1:])
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
