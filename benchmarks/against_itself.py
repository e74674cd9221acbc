"""How often the study claims a difference that isn't there, and misses one that is.

    python -m benchmarks.against_itself same    --studies 8 --record noise.json
    python -m benchmarks.against_itself slower  --studies 4 --percent 2

Both measure as the default study does, every row with all of its starts. `same` compares ONNX
Runtime's float32 with itself: every two of a study's rows give a comparison at each of its two
batches, so that 12 rows give 132. `slower` compares rows of the null runtime with rows that take
longer. What `same` records is the noise that benchmarks/coverage.py draws from.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from statistics import median

from quantbench.artifacts.artifact import Artifact
from quantbench.harness.pool import Candidate, Job, Workers
from quantbench.harness.records import Latency
from quantbench.harness.schedule import Schedule
from quantbench.harness.timing import Timing, times
from quantbench.methods import float32
from quantbench.results.speed import paired, speed
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.studies.options import Options
from quantbench.studies.prepare import prepare
from quantbench.studies.quantize import quantize
from quantbench.studies.workspace import Workspace
from quantbench.system.machine import environment
from quantbench.system.progress import NO_PROGRESS
from quantbench.tasks.task import Task

CALL, IMAGE = 30.0, 20.0
"""Microseconds of the null runtime."""


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        options = Options(recipe="default")
        task = prepare(options, {"recipe": {"epochs": "1"}}, Workspace(out), NO_PROGRESS)
        task = replace(task, test=task.test.part(0, 1000))
        if asked.what == "same":
            groups = [quantize(task, "float32", float32.SETTINGS(), "onnx", out)]
            runtime = "onnxruntime"
        else:
            longer = 1 + asked.percent / 100
            times_ = (Null(call_us=CALL * by, image_us=IMAGE * by) for by in (1, longer))
            groups = [save_null(out, f"null{n}", null) for n, null in enumerate(times_)]
            runtime = "null"
        verdicts, recorded = Counter[str](), list[list[float]]()
        for study in range(asked.studies):
            for ratios, name in compared(task, groups, runtime, asked.rows, out):
                verdicts[name] += 1
                recorded.append(ratios)
            sys.stdout.write(f"{study + 1} studies: {dict(verdicts)}\n")
            sys.stdout.flush()
    if asked.record:
        asked.record.write_text(json.dumps(recorded))


def compared(
    task: Task, groups: list[Artifact], runtime: str, rows: int, out: Path
) -> Iterator[tuple[list[float], str]]:
    """The log ratio in each start, and the verdict, of each pair of rows at each batch."""
    each = rows // len(groups)
    candidates = [
        Candidate(named(artifact, f"{group}{number}"), runtime_named(runtime))
        for group, artifact in enumerate(groups)
        for number in range(each)
    ]
    job = Job(
        task=task, threads=(1,), schedule=Schedule(reading=False), machine=environment(),
        evaluations=out, timings=out, scratch=out,
    )  # fmt: skip
    with Workers(job, 1) as workers:
        found = times(job, candidates, workers).rows
    timings = [row for row in found if isinstance(row, Timing)]
    if len(timings) < len(found):
        raise SystemExit(f"a worker failed: {found}")
    pairs = (
        combinations(timings, 2) if len(groups) == 1 else product(timings[:each], timings[each:])
    )
    for one, other in pairs:
        for a, b in zip(one.latency, other.latency, strict=True):
            yield logs(a, b), shown(a, b)


def logs(a: Latency, b: Latency) -> list[float]:
    return [median(blocks) for blocks in paired(a, b)]


def shown(a: Latency, b: Latency) -> str:
    ratio = speed("a", a, b)
    sys.stdout.write(
        f"batch {a.batch}: {a.median:.2f} us, {ratio.value:.4f} ({ratio.low:.4f} to "
        f"{ratio.high:.4f}), {len(a.blocks)} blocks, {ratio.starts} starts: {ratio.verdict}\n"
    )
    return ratio.verdict


def named(artifact: Artifact, name: str) -> Artifact:
    return replace(artifact, body=artifact.body.model_copy(update={"method": name}))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("same", "slower"))
    parser.add_argument("--studies", type=int, default=8)
    parser.add_argument("--rows", type=int, default=12, help="workers that are timed in turn")
    parser.add_argument("--percent", type=float, default=2.0, help="by which slower rows are")
    parser.add_argument("--record", type=Path, help="a file for the log ratios of each start")
    return parser.parse_args()


if __name__ == "__main__":
    main()
