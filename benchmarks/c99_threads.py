"""Several threads at one image: what they gain, and what it takes them to wait for one another.

    python -m benchmarks.c99_threads [NETWORK ...] [--threads 2] [--rounds 41] [--keep FOLDER]

NETWORK is one of tests/families at its published size, such as `resnet-8`, with random weights and
settled batch norms, quantized by `ort_static`. The C for one thread and that for several are called
from Python with the same image, in slices of some milliseconds in turn; answers must be equal bit
for bit. A ratio is one slice of one thread by the next of several, and its interval, of 95 %, is by
order statistics. The last column is the time that the division was expected to take. Then all
threads do nothing but wait for one another. The machine should be idle: a thread whose processor
another program takes keeps all others waiting.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from scipy.stats import quantile_test

from quantbench.c99.build.calling import memory, opened
from quantbench.c99.build.kept import emitted_from
from quantbench.c99.build.library import library
from quantbench.c99.build.loader import loaded, sizes_of, sources
from quantbench.c99.build.team import team
from quantbench.c99.emit.library import Emitted
from quantbench.c99.passes.parts import divided
from quantbench.contracts import Predict
from quantbench.samples.records import Array
from quantbench.studies.named import method_named
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize
from quantbench.system.machine import environment
from quantbench.system.silence import silenced
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

NETWORKS = ("mobilenetv2", "resnet-8", "mobilenetv1-0.25", "ds-cnn")
SAMPLES, METHOD = 16, "ort_static"
SLICE, WARM, MEETINGS = 0.01, 3, 2000
"""Seconds of a slice, rounds that don't count, and meetings in a slice."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--keep", type=Path, help="where quantized files stay for the next run")
    asked = parser.parse_args()
    families = {slug(family): family for family in FAMILIES}
    machine = environment(libraries=())
    sys.stdout.write(f"{machine.cpu}, {machine.cores} cores; us an image\n")
    for name in asked.networks:
        with tempfile.TemporaryDirectory() as folder:
            file = quantized(families[name], asked.keep or Path(folder))
            report(name, file, asked.threads, asked.rounds)


def slug(family: Family) -> str:
    return family.name.lower().replace(" ", "-")


def quantized(family: Family, folder: Path) -> Path:
    """The network's quantized file in `folder`, written unless it is there."""
    file = folder / f"{slug(family)}.onnx"
    if not file.is_file():
        inputs, targets = family.samples(1.0, 2 * SAMPLES, 1)
        parts = [
            (tuple(array[part] for array in inputs), targets[part])
            for part in (slice(SAMPLES), slice(SAMPLES, None))
        ]
        own = Own(
            fitted(family, 1.0, 0), calibration=parts[0], test=parts[1], name=slug(family),
            metric="relative_difference",
        )  # fmt: skip
        with tempfile.TemporaryDirectory() as given, silenced():
            task = own_task(own, Path(given) / "samples")
            settings = method_named(METHOD).module.SETTINGS()
            artifact = quantize(task, METHOD, settings, "onnx", Path(given))
            folder.mkdir(parents=True, exist_ok=True)
            file.write_bytes((artifact.folder / "model.onnx").read_bytes())
    return file


def report(name: str, file: Path, threads: int, rounds: int) -> None:
    """Write what is expected and what is measured of a network."""
    emitted = emitted_from(file, threads)
    sys.stdout.write(f"{name}: {divided(emitted.plan, threads).sentence}\n")
    if emitted.parts is None:
        return
    one, several = loaded(emitted_from(file), 1), loaded(emitted, threads)
    place = emitted.plan.input
    image = np.random.default_rng(1).normal(0, 1, (1, *place.shape)).astype(np.float32)
    if np.asarray(one(image)).tobytes() != np.asarray(several(image)).tobytes():
        raise SystemExit(f"{name}: the answers differ")
    first, others = in_turn(predicting(one, image), predicting(several, image), rounds)
    ratios = [a / b for a, b in zip(first, others, strict=True)]
    between = quantile_test(ratios, p=0.5).confidence_interval(0.95)
    sys.stdout.write(
        f"  1 thread {median(first):.1f} (least {min(first):.1f}), {threads} threads "
        f"{median(others):.1f} (least {min(others):.1f}): {median(ratios):.2f} times as fast "
        f"({between.low:.2f} to {between.high:.2f}), by the least {min(first) / min(others):.2f}; "
        f"a meeting {waiting(emitted, rounds):.0f} ns\n"
    )
    sys.stdout.flush()


def predicting(predict: Predict, image: Array) -> Callable[[int], object]:
    def repeat(times: int) -> None:
        for _ in range(times):
            predict(image)

    return repeat


def in_turn(
    first: Callable[[int], object], second: Callable[[int], object], rounds: int
) -> tuple[list[float], list[float]]:
    """Microseconds of a call, in slices of both in turn."""
    times = max(1, round(SLICE / (timed(first, 1) / 1e6)))
    pairs = [(timed(first, times), timed(second, times)) for _ in range(WARM + rounds)][WARM:]
    return [a for a, _ in pairs], [b for _, b in pairs]


def timed(repeat: Callable[[int], object], times: int) -> float:
    """Microseconds of one of so many calls."""
    start = time.perf_counter_ns()
    repeat(times)
    return (time.perf_counter_ns() - start) / 1e3 / times


def waiting(emitted: Emitted, rounds: int) -> float:
    """The nanoseconds of a meeting: the median of slices."""
    sizes = sizes_of(emitted)
    with library(sources(emitted)) as path:
        members = team(opened(path, sizes).library, memory(sizes.scratch))
    if members is None:
        raise SystemExit("the system has no more threads")
    return (
        1e3 * median(timed(lambda _: members.meet(MEETINGS), 1) for _ in range(rounds)) / MEETINGS
    )


if __name__ == "__main__":
    main()
