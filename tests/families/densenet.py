"""DenseNet-121: each layer reads what all before it in its block wrote, joined."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec, repeats

BLOCKS = (6, 12, 24, 16)


def norm_conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
    )  # fmt: skip


class DenseLayer(nn.Module):
    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm_conv(inputs, 4 * growth, 1), norm_conv(4 * growth, growth, 3)
        )

    def forward(self, features: Tensor) -> Tensor:
        return torch.cat([features, self.body(features)], 1)


def build(width: float) -> nn.Module:
    growth = channels(32, width)
    count = 2 * growth
    parts: list[nn.Module] = [conv_bn(3, count, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for number, layers in enumerate(BLOCKS):
        if number:
            parts += [norm_conv(count, count // 2, 1), nn.AvgPool2d(2)]
            count //= 2
        for _ in range(repeats(layers, width / 2 if width < 1 else 1)):
            parts.append(DenseLayer(count, growth))
            count += growth
    return nn.Sequential(
        *parts, nn.BatchNorm2d(count), nn.ReLU(), classifier(count, classes(width))
    )


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "DenseNet-121", "Huang et al., Densely Connected Convolutional Networks, 2017: 7.98 M, 2.83 G",
    build, image_spec, samples, parameters=7_978_856, macs=2_834_000_000,
)  # fmt: skip
