"""Which layers of a compiled network take its time, and which of them are portable C.

    python -m benchmarks.c99_layers [NETWORK ...] [--methods nncf_static pt2e_static]
                                    [--isa avx512vnni] [--out FOLDER] [--calls 50]

NETWORK is one of tests/families at its published size, such as `resnet-8`, with random weights and
settled batch norms, quantized by each method as benchmarks/c99_against.py does. The C counts the time of
each layer. Of each file it prints the time of a sample, the share of layers without SIMD code, and that of
each operation, the longest first; `portable` are those that the instruction set has no code for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.c99_against import Competitor, quantized, task_of
from quantbench.c99.build.loader import counted
from quantbench.c99.emit.library import Options
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.simd import select
from quantbench.c99.target.isa import ISAS, named
from quantbench.c99.target.target import Target
from quantbench.errors import QuantbenchError
from quantbench.studies.workspace import Workspace, workspace
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

NETWORKS = (
    "resnet-8", "mobilenetv3-small", "efficientnet-lite0", "mobilenetv2", "shufflenetv2", "squeezenet-1.1",
    "u-net", "densenet-121",
)  # fmt: skip
_SHOWN = 0.01
"""The share of time from which an operation has a line."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.c99_layers", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--methods", nargs="+", default=("nncf_static", "pt2e_static"))
    parser.add_argument("--isa", default="avx512vnni")
    parser.add_argument("--out", type=Path, default=Path("results-c99"))
    parser.add_argument("--calls", type=int, default=50)
    asked = parser.parse_args()
    families = {family.name.lower().replace(" ", "-"): family for family in FAMILIES}
    if unknown := sorted(set(asked.networks) - families.keys()):
        parser.error(f"no network {unknown[0]}; there are: {', '.join(families)}")
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in asked.networks:
        with workspace(asked.out / name) as space:
            for method in asked.methods:
                try:
                    path, inputs = file_of(families[name], method, space)
                    say(f"{name}, {method}, {profile(path, inputs, asked.isa, asked.calls)}")
                except QuantbenchError as error:
                    say(f"{name}, {method}: {error}")


def file_of(family: Family, method: str, space: Workspace) -> tuple[Path, NDArray[np.float32]]:
    """The quantized network, and one sample of it."""
    task = task_of(family, fitted(family, 1.0, 0), space)
    artifact = quantized(task, Competitor("c99", method, "onnx", "c99"), space)
    return artifact.folder / "model.onnx", task.test.inputs(0, 1)[0]


def profile(path: Path, inputs: NDArray[np.float32], isa: str, calls: int) -> str:
    """The text of one file: the median call of each layer, by operation."""
    emitted = emit(import_onnx(path), Target.NATIVE, Options(isas=(isa,), counters=True))
    network = counted(emitted)
    before, rows = network.ticks(), []
    for _ in range(calls):
        network.predict(inputs)
        after = network.ticks()
        rows.append([b - a for a, b in zip(before, after, strict=True)])
        before = after
    ticks = [median(its) for its in zip(*rows[calls // 5 :], strict=True)]
    times: dict[str, float] = defaultdict(float)
    (set_,) = named((isa,), ISAS)
    for step, its in zip(emitted.plan.steps, ticks[:-1], strict=True):
        ends = f"{'+'.join(place.type for place in step.inputs)} -> {step.output.type}"
        words = "SIMD" if select.code(step, set_) else "portable"
        times[f"{words:8} {type(step.work).__name__:12} {ends}"] += its
    whole = sum(ticks)
    slow = sum(its for kind, its in times.items() if kind.startswith("portable"))
    lines = [f"{isa}: {whole / 1e6:.3f} million ticks, {slow / whole:.1%} portable"]
    for kind, its in sorted(times.items(), key=lambda item: -item[1]):
        if its >= _SHOWN * whole:
            lines.append(f"    {its / whole:6.1%}  {kind}")
    return "\n".join(lines)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
