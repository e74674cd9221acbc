"""How often the study claims a difference that isn't there, and misses one that is.

    python benchmarks/against_itself.py same    --pairs 100
    python benchmarks/against_itself.py same    --pairs 100 --full
    python benchmarks/against_itself.py slower  --pairs 50

`same` compares ONNX Runtime's float32 with itself, `slower` the null runtime with one that
takes 5 % longer. Every pair is two fresh processes (16 with --full) and gives two comparisons:
one image at a time, and the large batch. Pairs are measured `--abreast` at a time, as rows of
one study are.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from quantbench.artifacts.artifact import Artifact
from quantbench.data import Split
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.schedule import FULL, Schedule
from quantbench.harness.timing import Timing, times
from quantbench.methods import float32
from quantbench.results.statistics import speed
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.studies.options import Options
from quantbench.studies.prepare import prepare
from quantbench.studies.quantize import quantize
from quantbench.studies.workspace import Workspace
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task

SLOWER = 1.05


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        options = Options(recipe="default")
        task = prepare(options, {"recipe": {"epochs": "1"}}, Workspace(out), NO_PROGRESS)
        if asked.what == "same":
            artifact = quantize(task, "float32", float32.SETTINGS(), "onnx", out)
            pair, runtime = (artifact, artifact), "onnxruntime"
        else:
            one = Null(call_us=30, image_us=20)
            other = Null(call_us=30 * SLOWER, image_us=20 * SLOWER)
            pair, runtime = (save_null(out, "a", one), save_null(out, "b", other)), "null"
        # One batch of images and no reading of them: it takes a third of the time.
        task = replace(task, test=first(task.test, 1000))
        schedule = (
            FULL.model_copy(update={"batches": (1, 1000)})
            if asked.full
            else Schedule(budget_seconds=0)
        )
        schedule = schedule.model_copy(update={"reading": False})
        verdicts = Counter[str]()
        for done in range(0, asked.pairs, asked.abreast):
            for verdict in compared(task, pair, runtime, schedule, asked.abreast, out):
                verdicts[verdict] += 1
            sys.stdout.write(f"{done + asked.abreast} pairs: {dict(verdicts)}\n")
            sys.stdout.flush()


def compared(
    task: Task,
    pair: tuple[Artifact, Artifact],
    runtime: str,
    schedule: Schedule,
    abreast: int,
    out: Path,
) -> Iterator[str]:
    """A verdict for each pair and batch."""
    rows = [
        Candidate(named(artifact, f"{side}{number}"), runtime_named(runtime))
        for number in range(abreast)
        for side, artifact in zip("ab", pair, strict=True)
    ]
    job = Job(
        task=task, threads=(1,), schedule=schedule, machine=environment(),
        evaluations=out, timings=out, scratch=out,
    )  # fmt: skip
    with Workers(job, 1) as workers:
        found = times(job, rows, workers).rows
    for a, b in zip(found[::2], found[1::2], strict=True):
        if not (isinstance(a, Timing) and isinstance(b, Timing)):
            raise SystemExit(f"a worker failed: {a if isinstance(a, str) else b}")
        for one, other in zip(a.latency, b.latency, strict=True):
            if one.kind == "model":
                ratio = speed("a", one, other)
                sys.stdout.write(
                    f"batch {one.batch}: {one.median:.2f} us, {ratio.value:.4f} "
                    f"({ratio.low:.4f} to {ratio.high:.4f}), {len(one.rounds)} rounds, "
                    f"{ratio.starts} starts\n"
                )
                yield ratio.verdict


def first(split: Split, images: int) -> Split:
    return Split(split.name, split.images[:images], split.labels[:images], split.index[:images])


def named(artifact: Artifact, name: str) -> Artifact:
    return replace(artifact, body=artifact.body.model_copy(update={"method": name}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("same", "slower"))
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--abreast", type=int, default=5)
    parser.add_argument("--full", action="store_true", help="as the full study measures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
