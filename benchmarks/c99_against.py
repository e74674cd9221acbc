"""The integer compiler's C against every other int8 runtime: the table of docs/compiling.md.

    python -m benchmarks.c99_against [NETWORK ...] [--out FOLDER] [--batches 1 8] [--seconds 12]
                                     [--only COMPETITOR ...] [--float32] [--tflite FOLDER]

NETWORK is one of tests/families at its published size, such as `ds-cnn`, with random weights and
settled batch norms. Each competitor is quantized by the method that suits it and runs with its best
settings, on one thread of one core: of ONNX Runtime two rows, one of which has inputs and outputs
bound in advance. c99 reads ONNX Runtime's file. In a round each is called in turn for some
milliseconds, in an order that turns; ratios are paired by round, with the 95 % interval of their
median. All processes are of one start: a difference of 3 % between two may be none.

Of each network and batch it prints c99's time, how many times as long each competitor takes, and
which is the fastest. What isn't installed, or refuses the network, is named with the reason: LiteRT
needs the network as a TensorFlow Lite file, which benchmarks/to_tflite.py writes into --tflite. The
machine should be idle. What was quantized and compiled is kept in --out and in the user's cache, so
that a second run only starts the processes and times them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import quantile_test
from torch import nn

from benchmarks.paired import TIMEOUT, InHere, InWorker, OnnxRuntime, Row, one_round
from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import QuantbenchError, UnavailableError
from quantbench.harness.pool import write_samples
from quantbench.harness.process import Worker
from quantbench.harness.worker import Request
from quantbench.samples.records import Samples
from quantbench.studies.choose import choose_methods
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import artifact_of
from quantbench.studies.workspace import Workspace, workspace
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

NETWORKS = (
    "ds-cnn", "mobilenetv1-0.25", "resnet-8", "autoencoder", "1-d-convolutions", "mobilenetv2",
    "resnet-18",
)  # fmt: skip
CALIBRATION, TEST = 32, 64
_LARGE = 2**17
"""So many input values make a large network, whose batch is 8 instead of 64."""
_SLICE, _MIN_ROUNDS, _MAX_ROUNDS = 0.01, 7, 200
"""Seconds of a row's calls in a round; fewer rounds have no 95 % interval of their median."""


@dataclass(frozen=True)
class Competitor:
    """A runtime, with the method and the format that it reads here."""

    name: str
    method: str
    format: str
    runtime: str


OURS = Competitor("c99", "ort_static", "onnx", "c99")
BOUND, COMPILED = "onnxruntime, bound", "torch_compile"
COMPETITORS = (
    Competitor("onnxruntime", "ort_static", "onnx", "onnxruntime"),
    Competitor(BOUND, "ort_static", "onnx", "onnxruntime"),
    Competitor("openvino", "ort_static", "onnx", "openvino"),
    Competitor("openvino, NNCF", "nncf_static", "onnx", "openvino"),
    Competitor("executorch", "xnnpack_static", "executorch", "executorch"),
    Competitor("litert", "litert_static", "tflite", "litert"),
    Competitor(COMPILED, "pt2e_static", "pt2", "torch_compile"),
)
FLOATS = tuple(
    Competitor(f"float32 {runtime}", "float32", format, runtime)
    for runtime, format in (
        ("c99", "onnx"), ("onnxruntime", "onnx"), ("openvino", "onnx"),
        ("executorch", "executorch"),
    )
)  # fmt: skip
_PROGRAM = "model.pt2"


class TorchCompiled:
    """Inductor's libraries for single batches; the plug-in compiles one for 1000 samples, too."""

    def __init__(self, artifact: Artifact) -> None:
        import torch

        torch.set_num_threads(1)
        self._path, self._sha256 = artifact.folder / _PROGRAM, artifact.files[_PROGRAM].sha256
        self._run: dict[int, Any] = {}

    def compile(self, batches: Sequence[int]) -> None:
        import torch

        from quantbench.export.inductor import libraries

        with libraries(self._path, self._sha256, tuple(batches), threads=1) as built:
            for batch, library in built.items():
                runner = torch._C._aoti.AOTIModelContainerRunnerCpu(str(library), 1)
                self._run[batch] = runner.run

    def bind(self, inputs: NDArray[np.float32]) -> Callable[[], object]:
        import torch

        run, given = self._run[len(inputs)], torch.from_numpy(np.ascontiguousarray(inputs))
        return lambda: run([given])[0].numpy()

    def answer(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        answer: NDArray[np.float32] = self.bind(inputs)()  # type: ignore[assignment]
        return answer


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.c99_against", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = [competitor.name for competitor in COMPETITORS]
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--out", type=Path, default=Path("results-c99"))
    parser.add_argument("--batches", nargs="+", type=int, help="1 and 64; 1 and 8 of large images")
    parser.add_argument("--seconds", type=float, default=12.0, help="of rounds, for each batch")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="COMPETITOR")
    parser.add_argument("--tflite", type=Path, default=Path("results-c99/tflite"))
    parser.add_argument("--float32", action="store_true", help="time float32 as well")
    asked = parser.parse_args()
    families = {family.name.lower().replace(" ", "-"): family for family in FAMILIES}
    if unknown := sorted(set(asked.networks) - families.keys()):
        parser.error(f"no network {unknown[0]}; there are: {', '.join(families)}")
    competitors = [each for each in COMPETITORS if each.name in asked.only]
    competitors += FLOATS if asked.float32 else ()
    for name in asked.networks:
        with workspace(asked.out / name) as space:
            compare(name, families[name], competitors, asked, space)


def compare(
    name: str,
    family: Family,
    competitors: Sequence[Competitor],
    asked: argparse.Namespace,
    space: Workspace,
) -> None:
    """Print a line for each batch of a network, and what couldn't be compared."""
    batches: list[int] = asked.batches or batches_of(family)
    task = task_of(family, fitted(family, 1.0, 0), space)
    inputs = task.test.inputs(0, len(task.test))
    samples = space.scratch / "samples"
    write_samples(samples, Samples("test", inputs))
    rows: list[Row] = []
    with ExitStack() as stack:
        for competitor in (OURS, *competitors):
            try:
                given = task
                if competitor.format == "tflite":
                    given = task_of(
                        family, converted(asked.tflite / f"{name}.tflite", family), space
                    )
                artifact = quantized(given, competitor, space)
                row = started(competitor, artifact, task, samples, inputs[0], batches, stack)
            except QuantbenchError as error:
                say(f"{name}: no {competitor.name}: {error}")
                continue
            rows.append(row)
        if not rows or rows[0].name != OURS.name:
            return
        with pinned(rows):
            for batch in batches:
                say(f"{name}, batch {batch}: {line(rows, in_turn(rows, batch, asked.seconds))}")


def batches_of(family: Family) -> list[int]:
    size = sum(int(np.prod(spec.shape)) for spec in family.inputs(1.0))
    return [1, 8 if size >= _LARGE else 64]


def converted(path: Path, family: Family) -> Path:
    """A TensorFlow Lite file of the network at its published size.

    Raises UnavailableError where it isn't there, or is too small for float32 weights.
    """
    if not path.is_file():
        raise UnavailableError(f"there is no {path}; benchmarks/to_tflite.py writes it")
    if path.stat().st_size < 3 * family.parameters:
        raise UnavailableError(f"{path} is of a smaller network; remove it")
    return path


def task_of(family: Family, network: nn.Module | Path, space: Workspace) -> Task:
    """The task of a network of this family, in PyTorch or as a file."""
    arrays, targets = family.samples(1.0, CALIBRATION + TEST, 1)
    parts = [
        (tuple(array[part] for array in arrays), targets[part])
        for part in (slice(CALIBRATION), slice(CALIBRATION, None))
    ]
    own = Own(
        network=network, calibration=parts[0], test=parts[1], name=family.name,
        metric="relative_difference",
    )  # fmt: skip
    return own_task(own, Path(tempfile.mkdtemp(dir=space.scratch)))


def quantized(task: Task, competitor: Competitor, space: Workspace) -> Artifact:
    """The competitor's artifact, newly made or from an earlier run.

    Raises QuantbenchError where the method or the runtime isn't installed, or refuses.
    """
    chosen = choose_methods((competitor.method,), {})[competitor.method]
    if isinstance(chosen, str):
        raise UnavailableError(chosen)
    if reason := plugins.why_unavailable("runtimes", competitor.runtime):
        raise UnavailableError(reason)
    artifact = artifact_of(
        task, chosen.plugin, chosen.settings, competitor.format, space.artifacts, NO_PROGRESS
    )
    if reason := plugins.why_refused(plugins.runtime(competitor.runtime), artifact):
        raise UnavailableError(reason)
    return artifact


def started(
    competitor: Competitor,
    artifact: Artifact,
    task: Task,
    samples: Path,
    inputs: NDArray[np.float32],
    batches: Sequence[int],
    stack: ExitStack,
) -> Row:
    """The competitor, ready to be called. Raises QuantbenchError where it can't be loaded."""
    if competitor.name == BOUND:
        return InHere(competitor.name, OnnxRuntime(artifact.folder / "model.onnx"), inputs)
    if competitor.name == COMPILED:
        engine = TorchCompiled(artifact)
        engine.compile(batches)
        return InHere(competitor.name, engine, inputs)
    worker = stack.enter_context(Worker(competitor.name, 1, samples.parent))
    worker.ask(Request(do="samples", samples=str(samples)), TIMEOUT)
    load = Request(
        do="load", artifact=str(artifact.folder.absolute()), runtime=competitor.runtime,
        outputs=task.network.outputs,
    )  # fmt: skip
    worker.ask(load, TIMEOUT)
    return InWorker(worker)


@contextlib.contextmanager
def pinned(rows: Sequence[Row]) -> Iterator[None]:
    """All rows run on one core meanwhile; their libraries are compiled by then."""
    before = os.sched_getaffinity(0)
    core = max(before)
    for row in rows:
        if isinstance(row, InWorker):
            row.worker.ask(Request(do="pin", processors=(core,)), TIMEOUT)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def in_turn(rows: Sequence[Row], batch: int, seconds: float) -> list[list[float]]:
    """Each row's times, microseconds a sample, by round."""
    each = [median(row.times(batch, 3, 1)) / 1e6 for row in rows]
    calls = [max(1, min(1000, int(_SLICE / slowest))) for slowest in each]
    warm = [int(count > 1) for count in calls]
    rounds: list[list[float]] = []
    end = time.monotonic() + seconds
    while len(rounds) < _MIN_ROUNDS or (time.monotonic() < end and len(rounds) < _MAX_ROUNDS):
        rounds.append(one_round(rows, len(rounds), batch, calls, warm))
    return [list(times) for times in zip(*rounds, strict=True)]


def line(rows: Sequence[Row], times: Sequence[Sequence[float]]) -> str:
    """The time of the first row, the ratio of each other to it, and the fastest of the others."""
    ours, *others = times
    ratios = [np.divide(its, ours) for its in others]
    texts = [
        f"{row.name} {median(ratio):.2f} {_interval(ratio)}"
        for row, ratio in zip(rows[1:], ratios, strict=True)
    ]
    best = {
        row.name: median(ratio)
        for row, ratio in zip(rows[1:], ratios, strict=True)
        if not row.name.startswith("float32")
    }
    fastest = min(best, key=lambda name: best[name], default="none")
    head = f"c99 {median(ours):.2f} us a sample; times as long: "
    return head + "; ".join(texts) + f"; best other int8: {fastest}"


def _interval(ratios: NDArray[np.float64]) -> str:
    interval = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    return f"({interval.low:.2f} to {interval.high:.2f})"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
