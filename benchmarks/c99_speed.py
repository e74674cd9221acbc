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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from paired import C99, TIMEOUT, InHere, InWorker, OnnxRuntime, Row, line, one_round

from quantbench.artifacts.artifact import load_artifact
from quantbench.data import preprocess
from quantbench.data.mnist import SPEC
from quantbench.errors import QuantbenchError
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.plugins import runtime, why_refused
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
IMAGES = 2000
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
            if not found or why_refused(runtime(engine), load_artifact(found[-1])):
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
    many, warm = [calls] * len(rows), [max(2, calls // 10)] * len(rows)
    each = [one_round(rows, number, batch, many, warm) for number in range(rounds)]
    return [list(times) for times in zip(*each, strict=True)]


if __name__ == "__main__":
    main(*sys.argv[1:])
