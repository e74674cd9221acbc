"""Networks that are not LeNet: the compiled C against other runtimes, one thread.

    python -m benchmarks.c99_networks [ROUNDS [NETWORK ...]]

A LeNet of four times the channels, and ResNet-8, DS-CNN and MobileNetV1 0.25 in the sizes of MLPerf
Tiny, with random weights. c99 and ONNX Runtime take the same file (`ort_static`: uint8
activations, int8 weights by channel), their inputs and outputs bound in advance; OpenVINO takes
NNCF's, ExecuTorch what `xnnpack_static` writes. All rows run in this process; a round times each in
turn at one image, then at 64, and the ratio to c99 is paired by round, with its 95 % interval by
order statistics. The error of logits is against float32's, as a part of their spread.
"""

from __future__ import annotations

import gc
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.paired import C99, Bindable, OnnxRuntime, Plain, line, timed
from quantbench.artifacts.artifact import Artifact
from quantbench.errors import QuantbenchError
from quantbench.plugins import runtime
from quantbench.studies.named import method_named
from quantbench.studies.own import Own, own_task
from quantbench.studies.quantize import quantize
from quantbench.system.machine import environment
from quantbench.system.silence import silenced
from tests.families.ds_cnn import FAMILY as DS_CNN
from tests.families.mobilenet_v1 import FAMILY as MOBILENET_V1

CALLS = {1: 100, 64: 3}
CALIBRATION = 256
TEST = 64
Images = NDArray[np.float32]


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = normalized(inputs, outputs, 3, stride)
        self.second = normalized(outputs, outputs, 3, 1)
        same = inputs == outputs and stride == 1
        self.beside = nn.Identity() if same else normalized(inputs, outputs, 1, stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.beside(x))


def normalized(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


def resnet8() -> nn.Module:
    """12.5 million multiply-adds."""
    return nn.Sequential(
        normalized(3, 16, 3, 1), nn.ReLU(),
        Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2),
        nn.AvgPool2d(8), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def wide_lenet() -> nn.Module:
    """Four times the channels: 6.2 million multiply-adds."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(24, 64, 5), nn.ReLU(), nn.AvgPool2d(2),
        nn.Conv2d(64, 480, 5), nn.ReLU(), nn.Flatten(),
        nn.Linear(480, 336), nn.ReLU(), nn.Linear(336, 10),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "LeNet x 4": (wide_lenet, (1, 32, 32)),
    "ResNet-8": (resnet8, (3, 32, 32)),
    "DS-CNN": (partial(DS_CNN.build, 1.0), (1, 49, 10)),
    "MobileNetV1 0.25": (partial(MOBILENET_V1.build, 1.0), (3, 96, 96)),
}
OTHERS = {
    "OpenVINO, int8": ("nncf_static", "onnx", "openvino"),
    "ExecuTorch, int8": ("xnnpack_static", "executorch", "executorch"),
}
"""Row -> method, format and runtime."""


def main(rounds: str = "15", *names: str) -> None:
    gc.disable()
    sys.stdout.write(f"{environment(libraries=()).cpu}\n")
    for name, (build, shape) in NETWORKS.items():
        if names and name not in names:
            continue
        count = CALIBRATION + TEST
        images = np.random.default_rng(1).normal(0, 1, (count, *shape)).astype(np.float32)
        torch.manual_seed(1)
        with tempfile.TemporaryDirectory() as folder:
            measured(name, settled(build(), images), images, Path(folder), int(rounds))


def settled(model: nn.Module, images: Images) -> nn.Module:
    """With the statistics in its batch norms that the images give."""
    with torch.no_grad():
        for _ in range(50):
            model.train()(torch.from_numpy(images))
    return model.eval()


def measured(name: str, model: nn.Module, images: Images, folder: Path, rounds: int) -> None:
    own = Own(model, test=images[:TEST], calibration=images[TEST:], name="network")
    task = own_task(own, folder / "samples")

    def artifact(method: str, format: str) -> Artifact:
        with silenced():
            return quantize(task, method, method_named(method).module.SETTINGS(), format, folder)

    real = OnnxRuntime(artifact("float32", "onnx").folder / "model.onnx")
    file = artifact("ort_static", "onnx").folder / "model.onnx"
    rows: dict[str, Bindable] = {"c99, uint8": C99(file), "ONNX Runtime, uint8": OnnxRuntime(file)}
    for row, (method, format, engine) in OTHERS.items():
        try:
            rows[row] = Plain(runtime(engine).load(artifact(method, format), 1))
        except QuantbenchError as error:
            sys.stdout.write(f"left out: {row}: {error}\n")
    rows["ONNX Runtime, float32"] = real
    wanted = real.answer(images[:TEST])
    answers = [row.answer(images[:TEST]) for row in rows.values()]
    off = [float(np.std(answer - wanted) / np.std(wanted)) for answer in answers]
    for batch, calls in CALLS.items():
        times = in_turn(list(rows.values()), images, batch, calls, rounds)
        sys.stdout.write(f"{name}, {batch} image(s) a call, us an image\n")
        for row, its, error in zip(rows, times, off, strict=True):
            sys.stdout.write(f"  {row:24} {line(its, times[0])}   error of logits {error:.1%}\n")
        sys.stdout.flush()


def in_turn(
    rows: list[Bindable], images: Images, batch: int, calls: int, rounds: int
) -> list[list[float]]:
    """Of each row: the median call of each round."""
    times: list[list[float]] = [[] for _ in rows]
    for number in range(rounds):
        for place in range(len(rows)):
            at = (place + number) % len(rows)
            found = []
            for call in range(max(2, calls // 10) + calls):
                begin = call * batch % (len(images) - batch + 1)
                inputs = np.ascontiguousarray(images[begin : begin + batch])
                found.append(timed(rows[at].bind(inputs)))
            times[at].append(median(found[-calls:]) / batch)
    return times


if __name__ == "__main__":
    main(*sys.argv[1:])
