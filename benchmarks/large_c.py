"""The C of large networks: how long it takes to write and to build, and how much memory.

    python -m benchmarks.large_c [--networks 18 50] [--folder FOLDER]

ResNet-18 and ResNet-50 at 224x224, with random weights, are quantized by ONNX Runtime, compiled for
this CPU with all sets of kernels, built with -O3, and run over their golden vectors. Printed are
seconds of the clock and of the processors, and the most resident memory of a process. The command
fails where a step takes longer than LIMITS says. Networks that are in FOLDER aren't made again.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from torch import nn

from benchmarks.resnet50 import SIZE, resnet50
from quantbench.c99.build import toolchain
from tests.families import resnet18
from tests.families.fit import initialised

CALIBRATION = 2
_WRITE = """
import sys
from pathlib import Path
from quantbench.c99.build.library import write_files
from quantbench.c99.compile import compiled
from quantbench.c99.target.target import Target
write_files(compiled(Path(sys.argv[1]), Target.NATIVE).all_files, Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class Limits:
    """The most seconds of writing and building, and GB (2^30 bytes) of a process."""

    write: float
    build: float
    memory: float


LIMITS = {"18": Limits(10, 60, 2), "50": Limits(60, 180, 4)}
NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "18": lambda: initialised(resnet18.FAMILY, 1.0).eval(),
    "50": resnet50,
}


class Drawn(CalibrationDataReader):  # type: ignore[misc]
    """Some random images."""

    def __init__(self) -> None:
        rng = np.random.default_rng(1)
        self._images: Iterator[np.ndarray] = iter(
            rng.normal(size=(CALIBRATION, 1, 3, SIZE, SIZE)).astype(np.float32)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"x": image}


def quantized(name: str, folder: Path) -> Path:
    """The quantized network, unless it is in the folder already."""
    path, source = folder / f"resnet-{name}.onnx", folder / f"resnet-{name}-float32.onnx"
    if not path.exists():
        torch.manual_seed(1)
        image = torch.randn(1, 3, SIZE, SIZE)
        torch.onnx.export(
            NETWORKS[name](), (image,), str(source), input_names=["x"], output_names=["y"],
            opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_static(
            source, path, Drawn(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    return path


def timed(what: str, command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command: its seconds by the clock, and the GB of the largest process so far."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, cwd=folder, check=True)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = after.ru_maxrss / 2**20
    sys.stdout.write(f"{what:26} {seconds:6.1f} s, {busy:6.1f} of processors, {memory:.2f} GB\n")
    sys.stdout.flush()
    return seconds, memory


def measured(name: str, parent: Path) -> bool:
    """Whether a network is written and built within its limits."""
    model = quantized(name, parent)
    chosen = toolchain.find()
    compiler = [*chosen.command, "-std=c99", "-O3", *chosen.native]
    with tempfile.TemporaryDirectory(dir=parent) as text:
        folder, title = Path(text), f"ResNet-{name}"
        write = [sys.executable, "-c", _WRITE, str(model.absolute()), str(folder)]
        writing, memory = timed(f"{title}, written", write, folder)
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
        sys.stdout.write(f"{'':26} {sizes}\n")
        building, most = timed(f"{title}, built", [*compiler, "-c", "model.c"], folder)
        timed(f"{title}, main.c", [*compiler, "main.c", "model.o", "-lm", "-o", "check"], folder)
        timed(f"{title}, golden vectors", ["./check"], folder)
    limits = LIMITS[name]
    kept = writing <= limits.write and building <= limits.build
    return kept and max(memory, most) <= limits.memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--networks", nargs="+", choices=[*NETWORKS], default=[*NETWORKS])
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        kept = [measured(name, folder) for name in asked.networks]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
