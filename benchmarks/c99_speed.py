"""The compiled network against other engines, in workers driven in turn, one thread.

    python benchmarks/c99_speed.py RESULTS [ROUNDS]

RESULTS is a folder in which `quantbench run --all` has finished; the newest artifact of each
method is taken. A round times every row at 1 image, then every row at 1000; the ratio to c99 is
paired by round, with its 95 % interval by order statistics. All rows are of one start: a lasting
difference of 2 % between two processes may be none.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import quantile_test

from quantbench.artifact import load_artifact
from quantbench.errors import QuantbenchError
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.plugins import runtime

ROWS = (
    ("ort_static", "onnx", "c99"), ("nncf_static", "onnx", "c99"),
    ("float32", "onnx", "onnxruntime"), ("float32", "onnx", "openvino"),
    ("float32", "executorch", "executorch"), ("float32", "pt2", "torch_compile"),
    ("ort_static", "onnx", "onnxruntime"), ("nncf_static", "onnx", "openvino"),
    ("xnnpack_static", "executorch", "executorch"), ("pt2e_static", "pt2", "torch_compile"),
    ("static", "torch", "torch"),
)  # fmt: skip
CALLS = {1: 200, 1000: 2}
IMAGES, TIMEOUT = 2000, 600.0


def main(results: str, rounds: str = "15") -> None:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        images = Path(name) / "images.npy"
        drawn = np.random.default_rng(1).integers(0, 256, (IMAGES, 28, 28), np.uint8)
        np.save(images, drawn, allow_pickle=False)
        workers = list(started(Path(results), images, stack))
        for batch, calls in CALLS.items():
            times = in_turn(workers, batch, calls, int(rounds))
            sys.stdout.write(f"{batch} image(s) a call, us an image\n")
            for worker, its in zip(workers, times, strict=True):
                sys.stdout.write(f"  {worker.name:36} {line(its, times[0])}\n")


def started(results: Path, images: Path, stack: ExitStack) -> Iterator[Worker]:
    for method, format, engine in ROWS:
        found = sorted(
            (results / "artifacts").glob(f"{method}-{format}-*"), key=lambda p: p.stat().st_mtime
        )
        try:
            if not found or runtime(engine).refuses(load_artifact(found[-1])):
                continue
            worker = Worker(f"{method} on {engine}", 1, images.parent)
            stack.enter_context(worker)
            worker.ask(Request(do="images", images=str(images), data="mnist"), TIMEOUT)
            asked = Request(do="load", artifact=str(found[-1].absolute()), runtime=engine)
            worker.ask(asked, TIMEOUT)
        except QuantbenchError as error:
            sys.stdout.write(f"left out: {method} on {engine}: {error}\n")
            continue
        yield worker


def in_turn(workers: list[Worker], batch: int, calls: int, rounds: int) -> list[list[float]]:
    """Of each worker: the median call of each round, microseconds an image."""
    times: list[list[float]] = [[] for _ in workers]
    for number in range(rounds):
        for place in range(len(workers)):
            at = (place + number) % len(workers)
            asked = Request(
                do="time_model", data="mnist", batch=batch, calls=calls, warm=max(2, calls // 10)
            )
            answer = workers[at].ask(asked, TIMEOUT)
            times[at].append(median(answer["microseconds"]) / batch)  # type: ignore[arg-type]
    return times


def line(times: list[float], first: list[float]) -> str:
    ratios = [its / c99 for its, c99 in zip(times, first, strict=True)]
    interval = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return (
        f"{median(times):9.2f}   {median(ratios):6.2f} ({interval.low:.2f} to {interval.high:.2f})"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
