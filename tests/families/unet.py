"""U-Net: a class for each pixel, from maps of four sizes; convolutions are padded here."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from quantbench.tasks.network import TensorSpec
from tests.families import generate
from tests.families.family import Family, channels

CLASSES = 2


def twice(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


class UNet(nn.Module):
    def __init__(self, counts: list[int]) -> None:
        super().__init__()
        pairs = [*itertools.pairwise(counts)]
        self.first = twice(1, counts[0])
        self.pool = nn.MaxPool2d(2)
        self.down = nn.ModuleList(twice(small, large) for small, large in pairs)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(large, small, 2, 2) for small, large in reversed(pairs)
        )
        self.joined = nn.ModuleList(twice(2 * small, small) for small, _ in reversed(pairs))
        self.last = nn.Conv2d(counts[0], CLASSES, 1)

    def forward(self, images: Tensor) -> Tensor:
        maps = [self.first(images)]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        features = maps.pop()
        for up, joined in zip(self.up, self.joined, strict=True):
            features = joined(torch.cat([maps.pop(), up(features)], 1))
        pixels: Tensor = self.last(features)
        return pixels


def build(width: float) -> nn.Module:
    return UNet([channels(count, width) for count in (64, 128, 256, 512, 1024)])


def inputs(width: float) -> tuple[TensorSpec, ...]:
    size = 256 if width >= 1 else 32
    return (TensorSpec(name="image", shape=(1, size, size)),)


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.discs(inputs(width)[0].shape[-1], count, seed)


FAMILY = Family(
    "U-Net", "Ronneberger et al., U-Net, 2015, Figure 1: 23 convolutions, 31.0 M",
    build, inputs, samples, parameters=31_030_658, macs=None, metric="mean_iou",
)  # fmt: skip
