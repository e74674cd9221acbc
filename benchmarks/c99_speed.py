"""The compiled network against other engines, in workers driven in turn, one thread.

    python benchmarks/c99_speed.py RESULTS [ROUNDS]

RESULTS is a folder in which `quantbench run` has finished; the newest artifact of each
method is taken. A round times every row at 1 image, then every row at 1000; the ratio to c99 is
paired by round, with its 95 % interval by order statistics. All rows are of one start: a lasting
difference of 2 % between two processes may be none. Of a "bound" row inputs and outputs are bound
in advance, which is ONNX Runtime at its best, and what a program in C sees of ours; it runs in
this process.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from paired import C99, Bindable, OnnxRuntime, line, timed

from quantbench.artifacts.artifact import load_artifact
from quantbench.data import preprocess
from quantbench.data.mnist import SPEC
from quantbench.errors import QuantbenchError
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.plugins import runtime
from quantbench.samples.records import Samples
from quantbench.tasks.network import TensorSpec

BOUND = {"onnxruntime, bound": OnnxRuntime, "c99, bound": C99}
ROWS = (
    ("ort_static", "onnx", "c99"), ("nncf_static", "onnx", "c99"), ("float32", "onnx", "c99"),
    ("ort_static", "onnx", "c99, bound"), ("float32", "onnx", "c99, bound"),
    ("float32", "onnx", "onnxruntime"), ("float32", "onnx", "openvino"),
    ("float32", "executorch", "executorch"), ("float32", "pt2", "torch_compile"),
    ("ort_static", "onnx", "onnxruntime"), ("float32", "onnx", "onnxruntime, bound"),
    ("ort_static", "onnx", "onnxruntime, bound"), ("nncf_static", "onnx", "openvino"),
    ("xnnpack_static", "executorch", "executorch"), ("pt2e_static", "pt2", "torch_compile"),
    ("static", "state_dict", "torch"),
)  # fmt: skip
CALLS = {1: 200, 1000: 2}
IMAGES, TIMEOUT = 2000, 600.0
OUTPUTS = (TensorSpec(name="logits", shape=(10,)),)


def main(results: str, rounds: str = "15") -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        drawn = np.random.default_rng(1).integers(0, 256, (IMAGES, 28, 28), np.uint8)
        inputs = preprocess(drawn, SPEC)
        write_samples(Path(name) / "samples", Samples("test", (inputs,)))
        rows = list(started(Path(results), Path(name), inputs, stack))
        for batch, calls in CALLS.items():
            times = in_turn(rows, batch, calls, int(rounds))
            sys.stdout.write(f"{batch} image(s) a call, us an image\n")
            for row, its in zip(rows, times, strict=True):
                sys.stdout.write(f"  {row.name:36} {line(its, times[0])}\n")


class Row(Protocol):
    @property
    def name(self) -> str: ...

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        """Microseconds of each call."""


@dataclass(frozen=True)
class InWorker:
    worker: Worker

    @property
    def name(self) -> str:
        return self.worker.name

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        asked = Request(do="time_model", batch=batch, calls=calls, warm=warm)
        return self.worker.ask(asked, TIMEOUT)["microseconds"]  # type: ignore[return-value]


@dataclass(frozen=True)
class InHere:
    name: str
    engine: Bindable
    inputs: NDArray[np.float32]

    def times(self, batch: int, calls: int, warm: int) -> list[float]:
        places = len(self.inputs) - batch + 1
        starts = (call * batch % places for call in range(warm + calls))
        found = [timed(self.engine.bind(self.inputs[at : at + batch])) for at in starts]
        return found[warm:]


def started(
    results: Path, scratch: Path, inputs: NDArray[np.float32], stack: ExitStack
) -> Iterator[Row]:
    for method, format, engine in ROWS:
        found = sorted(
            (results / "artifacts").glob(f"{method}-{format}-*"), key=lambda p: p.stat().st_mtime
        )
        name = f"{method} on {engine}"
        if engine in BOUND and found:
            yield InHere(name, BOUND[engine](found[-1] / "model.onnx"), inputs)
            continue
        try:
            if not found or runtime(engine).refuses(load_artifact(found[-1])):
                continue
            worker = Worker(name, 1, scratch)
            stack.enter_context(worker)
            samples = str(scratch / "samples")
            worker.ask(Request(do="samples", samples=samples), TIMEOUT)
            asked = Request(
                do="load", artifact=str(found[-1].absolute()), runtime=engine, outputs=OUTPUTS
            )
            worker.ask(asked, TIMEOUT)
        except QuantbenchError as error:
            sys.stdout.write(f"left out: {name}: {error}\n")
            continue
        yield InWorker(worker)


def in_turn(rows: list[Row], batch: int, calls: int, rounds: int) -> list[list[float]]:
    """Of each row: the median call of each round, microseconds an image."""
    times: list[list[float]] = [[] for _ in rows]
    for number in range(rounds):
        for place in range(len(rows)):
            at = (place + number) % len(rows)
            its = rows[at].times(batch, calls, max(2, calls // 10))
            times[at].append(median(its) / batch)
    return times


if __name__ == "__main__":
    main(*sys.argv[1:])
