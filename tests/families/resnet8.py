"""ResNet-8 on images of 32x32, as in MLPerf Tiny: shortcuts of 1x1 without a batch norm."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels

SIZE, CLASSES = 32, 10


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(inputs, outputs, 3, stride, bias=True),
            conv_bn(outputs, outputs, activation=None, bias=True),
        )
        self.shortcut = nn.Identity() if stride == 1 else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        return torch.relu(self.body(inputs) + self.shortcut(inputs))


def build(width: float) -> nn.Module:
    first, second, third = (channels(count, width) for count in (16, 32, 64))
    return nn.Sequential(
        conv_bn(3, first, bias=True),
        Residual(first, first, 1), Residual(first, second, 2), Residual(second, third, 2),
        classifier(third, CLASSES),
    )  # fmt: skip


def inputs(width: float) -> tuple[TensorSpec, ...]:
    return (TensorSpec(name="image", shape=(3, SIZE, SIZE)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(SIZE, CLASSES, count, seed)


FAMILY = Family(
    "ResNet-8", "MLPerf Tiny: Banbury et al., 2021", build, inputs, samples,
    parameters=78_666, macs=12_501_632, counts_statistics=True,
)  # fmt: skip
