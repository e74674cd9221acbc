"""The integer compiler's C against every other runtime: the table of docs/compiling.md.

    python -m benchmarks.c99_against [NETWORK ...] [--out FOLDER] [--starts 6] [--seconds 4]
                                     [--batches 1 64] [--method ...] [--runtime ...]

NETWORK is one of tests/families at its published size, such as `ds-cnn`, with random weights and
settled batch norms. Each is a study of quantbench's own: workers on one thread, pinned to one core,
in slices in turn, every row started afresh as often as `--starts` says. Of each batch it prints the
fastest float32, the fastest int8 that isn't c99's, and c99's int8, with the ratio of their times
and its 95 % interval. The machine should be idle.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from quantbench.harness.records import Latency
from quantbench.harness.schedule import Schedule
from quantbench.results.records import Results, Row
from quantbench.results.speed import fastest, speed
from quantbench.studies import pipeline
from quantbench.studies.options import Options
from quantbench.studies.own import Own, own_task
from quantbench.studies.workspace import Workspace
from quantbench.system.progress import Lines, Progress
from quantbench.tasks.task import Task
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

NETWORKS = (
    "ds-cnn", "mobilenetv1-0.25", "resnet-8", "autoencoder", "1-d-convolutions", "mobilenetv2",
    "resnet-18",
)  # fmt: skip
METHODS = ("float32", "ort_static", "pt2e_static", "xnnpack_static", "litert_static")
RUNTIMES = ("c99", "onnxruntime", "openvino", "executorch", "litert")
CALIBRATION, TEST = 64, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--out", type=Path, default=Path("results-c99"))
    parser.add_argument("--starts", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=4.0, help="of slices in a start")
    parser.add_argument("--steps", type=int, default=0, help="of training on generated data")
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--method", nargs="+", default=METHODS)
    parser.add_argument("--runtime", nargs="+", default=RUNTIMES)
    asked = parser.parse_args()
    families = {slug(family): family for family in FAMILIES}
    for name in asked.networks:
        show(name, measured(families[name], asked))


def slug(family: Family) -> str:
    return family.name.lower().replace(" ", "-")


def measured(family: Family, asked: argparse.Namespace) -> Results:
    network = fitted(family, 1.0, asked.steps)
    inputs, targets = family.samples(1.0, CALIBRATION + TEST, 1)

    def load(space: Workspace, progress: Progress) -> Task:
        parts = [
            (tuple(array[part] for array in inputs), targets[part])
            for part in (slice(CALIBRATION), slice(CALIBRATION, None))
        ]
        own = Own(
            network=network, calibration=parts[0], test=parts[1], name=slug(family),
            metric="relative_difference",
        )  # fmt: skip
        return own_task(own, space.scratch / "given", progress)

    schedule = Schedule(
        batches=tuple(asked.batches), look_seconds=2 * asked.seconds, start_seconds=asked.seconds,
        starts=asked.starts, every=True, reading=False, timeout=900,
    )  # fmt: skip
    options = Options(
        out=asked.out / slug(family), methods=tuple(asked.method), runtimes=tuple(asked.runtime),
        schedule=schedule,
    )  # fmt: skip
    return pipeline.run(options, progress=Lines(), load=load).results


def show(name: str, results: Results) -> None:
    kinds: dict[str, Callable[[Row], bool]] = {
        "best float32": lambda row: row.kind == "float",
        "best other float32": lambda row: row.kind == "float" and row.runtime != "c99",
        "best other int8": lambda row: row.kind == "real" and row.runtime != "c99",
        "c99 int8": lambda row: row.kind == "real" and row.runtime == "c99",
    }
    batches = sorted({latency.batch for row in results.rows for latency in row.latency})
    for batch in batches:
        best = {kind: quickest(results.rows, batch, fits) for kind, fits in kinds.items()}
        ours = best["c99 int8"]
        sys.stdout.write(f"{name}, batch {batch}, us a sample ({results.environment.cpu})\n")
        for kind, found in best.items():
            if found is None:
                sys.stdout.write(f"  {kind:20} -\n")
                continue
            row, latency = found
            said = f"  {kind:20} {row.name:32} {latency.median:10.2f}"
            if ours is not None and kind != "c99 int8":
                ratio = speed(row.name, latency, ours[1])
                said += f"   over c99 int8 {ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"
            sys.stdout.write(said + "\n")
    for skipped in results.skipped:
        sys.stdout.write(f"  no {skipped.method} on {skipped.runtime}: {skipped.reason}\n")
    sys.stdout.flush()


def quickest(
    rows: Sequence[Row], batch: int, fits: Callable[[Row], bool]
) -> tuple[Row, Latency] | None:
    timed = [
        (row, latency)
        for row in rows
        for latency in row.latency
        if fits(row) and latency.batch == batch and latency.kind == "model"
    ]
    return timed[fastest([latency for _, latency in timed])] if timed else None


if __name__ == "__main__":
    main()
