"""The C of large networks: how long it takes to write and to build, and how much memory.

    python -m benchmarks.large_c [--networks resnet-18 ...] [--threads 2] [--folder FOLDER]

Networks at 224x224, with random weights, are quantized by ONNX Runtime, compiled for this CPU with
all sets of kernels, built with -O3, and run over their golden vectors; with several threads,
parts.c is written and built as well. Printed are seconds of the clock and of the processors, and
the most resident memory of a process. The command fails where a step takes longer than its limits
say. Networks that are in FOLDER aren't made again.
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
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from benchmarks.resnet50 import SIZE, resnet50
from quantbench.c99.build import toolchain
from tests.families import densenet, resnet18, unet
from tests.families.family import Family, channels
from tests.families.fit import initialised

CALIBRATION = 2
CLASSES = 21
_WRITE = """
import sys
from pathlib import Path
from quantbench.c99.build.library import write_files
from quantbench.c99.compile import compiled
from quantbench.c99.emit.library import Options
from quantbench.c99.target.target import Target
options = Options(threads=int(sys.argv[3]))
emitted = compiled(Path(sys.argv[1]), Target.NATIVE, options=options)
more = emitted.parts.all_files if emitted.parts else {}
write_files({**emitted.all_files, **more}, Path(sys.argv[2]))
"""


@dataclass(frozen=True)
class Large:
    """A network of images of so many channels, and what it may take.

    `write`, `build`: seconds. `memory`: GB (2^30 bytes) of a process.
    """

    network: Callable[[], nn.Module]
    channels: int
    write: float
    build: float
    memory: float


def of(family: Family) -> Callable[[], nn.Module]:
    """A function that makes the family's network at its published width."""
    return lambda: initialised(family, 1.0).eval()


def segmentation() -> nn.Module:
    """A U-Net of a quarter of the channels, with CLASSES scores for each pixel."""
    network = initialised(unet.FAMILY, 0.25)
    network.last = nn.Conv2d(channels(64, 0.25), CLASSES, 1)
    return network.eval()


NETWORKS = {
    "resnet-18": Large(of(resnet18.FAMILY), 3, 10, 60, 2),
    "resnet-50": Large(resnet50, 3, 60, 180, 4),
    "densenet-121": Large(of(densenet.FAMILY), 3, 60, 180, 2),
    "segmentation": Large(segmentation, 1, 20, 60, 2),
    "u-net": Large(of(unet.FAMILY), 1, 60, 180, 4),
}


class Drawn(CalibrationDataReader):  # type: ignore[misc]
    """Some random images of so many channels."""

    def __init__(self, channels: int) -> None:
        rng = np.random.default_rng(1)
        self._images: Iterator[np.ndarray] = iter(
            rng.normal(size=(CALIBRATION, 1, channels, SIZE, SIZE)).astype(np.float32)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._images, None)
        return None if image is None else {"x": image}


def quantized(name: str, folder: Path) -> Path:
    """The quantized network, unless it is in the folder already."""
    path, source = folder / f"{name}.onnx", folder / f"{name}-float32.onnx"
    if not path.exists():
        torch.manual_seed(1)
        image = torch.randn(1, NETWORKS[name].channels, SIZE, SIZE)
        torch.onnx.export(
            NETWORKS[name].network(), (image,), str(source), input_names=["x"],
            output_names=["y"], opset_version=17, dynamo=False,
        )  # fmt: skip
        quant_pre_process(source, source, skip_symbolic_shape=True)
        quantize_static(
            source, path, Drawn(NETWORKS[name].channels), quant_format=QuantFormat.QDQ,
            per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
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


def measured(name: str, parent: Path, threads: int) -> bool:
    """Whether a network is written and built within its limits."""
    model, limits = quantized(name, parent), NETWORKS[name]
    chosen = toolchain.find()
    compiler = [*chosen.command, "-std=c99", "-O3", *chosen.native]
    with tempfile.TemporaryDirectory(dir=parent) as text:
        folder = Path(text)
        write = [sys.executable, "-c", _WRITE, str(model.absolute()), str(folder), str(threads)]
        writing, memory = timed(f"{name}, written", write, folder)
        sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
        sys.stdout.write(f"{'':26} {sizes}\n")
        sources = [file for file in ("model.c", "parts.c") if file in sizes]
        building, most = timed(f"{name}, built", [*compiler, "-c", *sources], folder)
        timed(f"{name}, main.c", [*compiler, "main.c", "model.o", "-lm", "-o", "check"], folder)
        timed(f"{name}, golden vectors", ["./check"], folder)
    kept = writing <= limits.write and building <= limits.build
    return kept and max(memory, most) <= limits.memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--networks", nargs="+", choices=[*NETWORKS], default=[*NETWORKS])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        kept = [measured(name, folder, asked.threads) for name in asked.networks]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
