"""The memory of a study of a large network: ResNet-50, 25.6 million parameters, at 224x224.

    python benchmarks/resnet50.py [--limit GB]

It is quantized by ONNX Runtime's static quantization, evaluated and timed on ONNX Runtime beside
float32, with random weights and samples: they take the memory that trained ones take. Printed is
the most that this process and its workers held together, by their resident sizes every 50 ms.
The command fails where that is more than --limit, 6 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import quantbench

SIZE, CALIBRATION, TEST = 224, 24, 27
PARAMETERS = 25_557_032
"""With 1000 classes: He et al., Deep Residual Learning for Image Recognition, 2015."""
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, blocks and stride of each stage (Table 1)."""
WIDENING = 4


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside the identity (Figure 5, right)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = WIDENING * width
        self.body = nn.Sequential(
            *_normed(inputs, width, 1),
            nn.ReLU(),
            *_normed(width, width, 3, stride),
            nn.ReLU(),
            *_normed(width, outputs, 1),
        )
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(*_normed(inputs, outputs, 1, stride))
        )
        self.last = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.last(self.body(inputs) + self.shortcut(inputs))
        return outputs


def _normed(inputs: int, outputs: int, kernel: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def resnet50() -> nn.Module:
    """ResNet-50 with random weights, in eval mode."""
    blocks: list[nn.Module] = []
    inputs = 64
    for width, count, stride in STAGES:
        for number in range(count):
            blocks.append(Bottleneck(inputs, width, stride if number == 0 else 1))
            inputs = WIDENING * width
    return nn.Sequential(
        *_normed(3, 64, 7, 2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(inputs, 1000),
    ).eval()


@dataclass
class Peak:
    """The most bytes that were held together, and by how many processes."""

    bytes: int = 0
    processes: int = 0

    def see(self, sizes: list[int]) -> None:
        if sum(sizes) > self.bytes:
            self.bytes, self.processes = sum(sizes), len(sizes)


def resident(process: int) -> list[int]:
    """The resident bytes of a process and of all that it started."""
    path = Path("/proc") / str(process)
    try:
        size = int((path / "statm").read_text().split()[1]) * 4096
        children = [
            child
            for task in (path / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:  # it has ended meanwhile
        return []
    return [size, *(bytes for child in children for bytes in resident(int(child)))]


@contextlib.contextmanager
def watched() -> Iterator[Peak]:
    """The peak of this process and its workers while the context lasts."""
    peak, done = Peak(), threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak.see(resident(int(Path("/proc/self").readlink().name)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def samples(folder: Path, name: str, count: int, seed: int) -> Path:
    """A file of random images and labels."""
    rng = np.random.default_rng(seed)
    images = rng.normal(size=(count, 3, SIZE, SIZE)).astype(np.float32)
    np.savez(folder / name, inputs=images, targets=rng.integers(0, 1000, count))
    return folder / name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=float, default=6.0, help="GB (2^30 bytes)")
    limit = parser.parse_args().limit
    torch.manual_seed(1)
    network = resnet50()
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters == PARAMETERS, parameters
    with tempfile.TemporaryDirectory() as parent, watched() as peak:
        folder = Path(parent)
        study = quantbench.study(
            network,
            test=samples(folder, "test.npz", TEST, 1),
            calibration=samples(folder, "calibration.npz", CALIBRATION, 2),
            methods=("ort_static",),
            runtimes=("onnxruntime",),
            out=folder / "results",
        )
    lines = [
        f"{row.name}: {row.bytes / 2**20:.1f} MB, in its worker {row.peak_memory / 2**20:.0f} MB"
        for row in study.results.rows
    ]
    lines += [f"no row: {s.method} on {s.runtime}: {s.reason}" for s in study.results.skipped]
    used = peak.bytes / 2**30
    lines.append(f"at most {used:.2f} GB, in {peak.processes} processes; the limit is {limit:g} GB")
    sys.stdout.write("\n".join(lines) + "\n")
    if used > limit or study.results.skipped:
        sys.exit(1)


if __name__ == "__main__":
    main()
