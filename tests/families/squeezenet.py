"""SqueezeNet 1.1: fire modules, whose two expansions are joined."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.family import Family, channels, classes, image_size, image_spec

FIRES = ((16, 64), (16, 64), None, (32, 128), (32, 128), None, (48, 192), (48, 192), (64, 256),
         (64, 256))  # fmt: skip
"""Squeezed and expanded channels of each fire module; None: a pooling."""


class Fire(nn.Module):
    def __init__(self, inputs: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeezed, 1)
        self.expand1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        squeezed = torch.relu(self.squeeze(inputs))
        return torch.relu(torch.cat([self.expand1(squeezed), self.expand3(squeezed)], 1))


def build(width: float) -> nn.Module:
    before = channels(64, width)
    parts: list[nn.Module] = [nn.Conv2d(3, before, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2)]
    for fire in FIRES:
        if fire is None:
            parts.append(nn.MaxPool2d(3, 2))
            continue
        squeezed, expanded = (channels(count, width) for count in fire)
        parts.append(Fire(before, squeezed, expanded))
        before = 2 * expanded
    return nn.Sequential(
        *parts, nn.Dropout(0.5), nn.Conv2d(before, classes(width), 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "SqueezeNet 1.1", "Iandola et al., SqueezeNet, 2016, in its version 1.1: 1.24 M, 349 M",
    build, image_spec, samples, parameters=1_235_496, macs=349_000_000,
)  # fmt: skip
