"""How far the estimate of `quantbench check` is off: three networks, checked and then studied.

    python -m benchmarks.estimate [--networks MLP ResNet-8 MobileNetV2] [--width 1.0]

Each network of tests/families is checked, and then studied by the default methods but qat, which
trains, on the default runtimes. Printed are both times, and the memory: the most bytes that the
study's processes held together and can't share, from /proc every half second. `--methods` and
`--runtimes` take fewer.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quantbench import plugins
from quantbench.samples.records import Array, Arrays
from quantbench.studies import pipeline
from quantbench.studies.options import Options
from quantbench.studies.own import Own, own_task
from quantbench.studies.preflight import check
from quantbench.system.machine import environment
from tests.families.catalogue import FAMILIES
from tests.families.family import Family
from tests.families.fit import fitted

CALIBRATION, TEST = 256, 1000
_ANONYMOUS = "Anonymous:"


@dataclass
class Peak:
    """The most bytes that were held together."""

    bytes: int = 0


def anonymous(process: int) -> int:
    """Bytes of a process and of all that it started that no file and no other process holds."""
    path = Path("/proc") / str(process)
    try:
        lines = (path / "smaps_rollup").read_text().splitlines()
        children = [
            child
            for task in (path / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended meanwhile
        return 0
    own = sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(_ANONYMOUS))
    return own + sum(anonymous(int(child)) for child in children)


@contextmanager
def watched() -> Iterator[Peak]:
    """The peak of this process and its workers while the context lasts."""
    peak, done = Peak(), threading.Event()
    own = int(Path("/proc/self").readlink().name)

    def watch() -> None:
        while not done.wait(0.5):
            peak.bytes = max(peak.bytes, anonymous(own))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def compared(
    family: Family, width: float, methods: tuple[str, ...], runtimes: tuple[str, ...]
) -> Iterator[str]:
    """Yield a line before the study of a network, and one after it."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        own = Own(
            network=fitted(family, width, 4),
            calibration=_pairs(*family.samples(width, CALIBRATION, 1)),
            test=_pairs(*family.samples(width, TEST, 2)),
            name=family.name,
        )
        task = own_task(own, folder / "given")
        options = Options(methods=methods, runtimes=runtimes, out=folder / "results")
        expected = check(task, options).estimate
        assert expected is not None
        yield (
            f"{family.name}, width {width:g}, load {environment().load:.1f}: expected "
            f"{expected.rows} rows, {expected.quantizing_seconds:.0f} + "
            f"{expected.evaluating_seconds:.0f} + {expected.timing_seconds:.0f} = "
            f"{expected.seconds:.0f} s, {expected.memory_bytes / 2**30:.2f} GiB"
        )
        with watched() as peak:
            began = time.monotonic()
            study = pipeline.run(options, load=lambda *_: task)
            taken = time.monotonic() - began
        yield (
            f"{family.name}: taken {len(study.results.rows)} rows, {taken:.0f} s "
            f"({expected.seconds / taken:.2f} expected of it), {peak.bytes / 2**30:.2f} GiB "
            f"({expected.memory_bytes / max(peak.bytes, 1):.2f})"
        )


def _pairs(arrays: Arrays, targets: Array) -> tuple[Array | Arrays, Array]:
    return (arrays[0] if len(arrays) == 1 else arrays), targets


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.estimate")
    parser.add_argument("--networks", nargs="+", default=["MLP", "ResNet-8", "MobileNetV2"])
    parser.add_argument("--width", type=float, default=1.0)
    methods = [name for name in plugins.default_methods() if name != "qat"]
    parser.add_argument("--methods", nargs="+", default=methods)
    parser.add_argument("--runtimes", nargs="+", default=plugins.default_runtimes())
    asked = parser.parse_args()
    for family in (family for family in FAMILIES if family.name in asked.networks):
        for line in compared(family, asked.width, tuple(asked.methods), tuple(asked.runtimes)):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
