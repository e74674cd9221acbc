"""ShuffleNetV2 1.0x: channels are split, joined and shuffled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import classifier, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec, repeats

STAGES = ((116, 4), (232, 8), (464, 4))
"""Channels and repeats: Table 5 of the paper."""


def branch(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        conv_bn(inputs, outputs, 1),
        conv_bn(outputs, outputs, 3, stride, outputs, None),
        conv_bn(outputs, outputs, 1),
    )


def shuffled(features: Tensor) -> Tensor:
    """Channels of two halves in turn: [N, 2 * C, H, W]."""
    _, count, height, width = features.shape
    pairs = features.reshape(-1, 2, count // 2, height, width)
    return pairs.transpose(1, 2).reshape(-1, count, height, width)


class Unit(nn.Module):
    """One half of the channels passes as it is, the other through three convolutions."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.branch = branch(count // 2, count // 2, 1)

    def forward(self, features: Tensor) -> Tensor:
        kept, changed = features.chunk(2, dim=1)
        return shuffled(torch.cat([kept, self.branch(changed)], 1))


class Downsampling(nn.Module):
    """Both branches see all channels, at every second place."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.short = nn.Sequential(
            conv_bn(inputs, inputs, 3, 2, inputs, None), conv_bn(inputs, half, 1)
        )
        self.branch = branch(inputs, half, 2)

    def forward(self, features: Tensor) -> Tensor:
        return shuffled(torch.cat([self.short(features), self.branch(features)], 1))


def build(width: float) -> nn.Module:
    before = channels(24, width)
    parts: list[nn.Module] = [conv_bn(3, before, 3, 2), nn.MaxPool2d(3, 2, 1)]
    for full, count in STAGES:
        after = channels(full, width)
        units = (Unit(after) for _ in range(max(1, repeats(count, width) - 1)))
        parts += [Downsampling(before, after), *units]
        before = after
    last = channels(1024, width)
    return nn.Sequential(*parts, conv_bn(before, last, 1), classifier(last, classes(width)))


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "ShuffleNetV2", "Ma et al., ShuffleNet V2, 2018, Table 5: 2.3 M, 146 M",
    build, image_spec, samples, parameters=2_278_604, macs=146_000_000,
)  # fmt: skip
