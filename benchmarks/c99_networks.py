"""Networks that are not LeNet: the compiled C against ONNX Runtime at its best, one thread.

    python benchmarks/c99_networks.py [ROUNDS]

A LeNet of four times the channels and the ResNet-8 of MLPerf Tiny, with random weights, quantized
by ONNX Runtime's own quantizer (uint8 activations, int8 weights by channel). ONNX Runtime has its
inputs and outputs bound in advance. All rows run in this process; a round times each in turn at
one image, then at 64, and the ratio to c99 is paired by round, with its 95 % interval by order
statistics. The error of logits is against float32's, as a part of their spread.
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
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from paired import OnnxRuntime, line, timed
from torch import nn

from quantbench.c99.build.loader import loaded
from quantbench.c99.generate import emit
from quantbench.c99.importer import import_onnx
from quantbench.c99.target.target import Target
from quantbench.export.ort_quantizer import float_onnx, saturates_here
from quantbench.export.to_onnx import INPUT
from quantbench.system.machine import environment
from quantbench.system.silence import silenced

CALLS = {1: 100, 64: 3}
CALIBRATION = 256
Images = NDArray[np.float32]
Bind = Callable[[Images], Callable[[], object]]


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


NETWORKS = {"LeNet x 4": (wide_lenet, (1, 32, 32)), "ResNet-8": (resnet8, (3, 32, 32))}


class OneBatch(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, images: Images) -> None:
        self._left = iter([{INPUT: images}])

    def get_next(self) -> dict[str, Images] | None:
        return next(self._left, None)


def main(rounds: str = "15") -> None:
    gc.disable()
    sys.stdout.write(f"{environment(libraries=()).cpu}\n")
    for name, (build, shape) in NETWORKS.items():
        images = np.random.default_rng(1).normal(0, 1, (CALIBRATION, *shape)).astype(np.float32)
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
    real, quantized = folder / "float32.onnx", folder / "uint8.onnx"
    float_onnx(model, images.shape[1:], real)
    with silenced():
        quantize_static(
            real, quantized, OneBatch(images),
            quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=True, reduce_range=saturates_here("int8"),
        )  # fmt: skip
    predict = loaded(emit(import_onnx(quantized), Target.NATIVE), 1)
    engines = {
        "ONNX Runtime, uint8": OnnxRuntime(quantized),
        "ONNX Runtime, float32": OnnxRuntime(real),
    }
    wanted = engines["ONNX Runtime, float32"].answer(images)
    rows: dict[str, Bind] = {"c99, uint8": lambda inputs: partial(predict, inputs)}
    rows |= {row: engine.bind for row, engine in engines.items()}
    answers = (predict, *(engine.answer for engine in engines.values()))
    off = [float(np.std(one(images) - wanted) / np.std(wanted)) for one in answers]
    for batch, calls in CALLS.items():
        times = in_turn(list(rows.values()), images, batch, calls, rounds)
        sys.stdout.write(f"{name}, {batch} image(s) a call, us an image\n")
        for row, its, error in zip(rows, times, off, strict=True):
            sys.stdout.write(f"  {row:24} {line(its, times[0])}   error of logits {error:.1%}\n")


def in_turn(
    rows: list[Bind], images: Images, batch: int, calls: int, rounds: int
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
                found.append(timed(rows[at](inputs)))
            times[at].append(median(found[-calls:]) / batch)
    return times


if __name__ == "__main__":
    main(*sys.argv[1:])
