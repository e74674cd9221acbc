"""EfficientNet-lite0: EfficientNet-B0 with ReLU6, without squeeze-and-excite."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import InvertedResidual, classifier, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec, repeats

STAGES = ((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1),
          (6, 5, 192, 4, 2), (6, 3, 320, 1, 1))  # fmt: skip
"""Expansion, kernel, channels, repeats and stride of the first: Table 1 of the paper."""


def build(width: float) -> nn.Module:
    before = channels(32, width)
    parts: list[nn.Module] = [conv_bn(3, before, 3, 2, activation=nn.ReLU6)]
    for expansion, kernel, full, count, stride in STAGES:
        after = channels(full, width)
        for number in range(repeats(count, width)):
            wide = expansion * before
            step = stride if number == 0 else 1
            parts.append(InvertedResidual(before, wide, after, kernel, step, nn.ReLU6))
            before = after
    last = channels(1280, width)
    return nn.Sequential(
        *parts, conv_bn(before, last, 1, activation=nn.ReLU6), classifier(last, classes(width))
    )


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "EfficientNet-lite0",
    "Tan and Le, EfficientNet, 2019; variant lite0: 4.65 M, 385 M in layers (its authors: 407 M)",
    build, image_spec, samples, parameters=4_652_008, macs=385_000_000,
)  # fmt: skip
