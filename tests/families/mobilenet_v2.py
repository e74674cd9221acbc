"""MobileNetV2: inverted residuals with linear bottlenecks, and ReLU6."""

from __future__ import annotations

from torch import nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import InvertedResidual, classifier, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec, repeats

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))  # fmt: skip
"""Expansion, channels, repeats and stride of the first: Table 2 of the paper."""


def build(width: float) -> nn.Module:
    before = channels(32, width)
    parts: list[nn.Module] = [conv_bn(3, before, 3, 2, activation=nn.ReLU6)]
    for expansion, full, count, stride in STAGES:
        after = channels(full, width)
        for number in range(repeats(count, width)):
            wide = expansion * before
            step = stride if number == 0 else 1
            parts.append(InvertedResidual(before, wide, after, 3, step, nn.ReLU6))
            before = after
    last = channels(1280, width)
    return nn.Sequential(
        *parts, conv_bn(before, last, 1, activation=nn.ReLU6), classifier(last, classes(width))
    )


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "MobileNetV2", "Sandler et al., MobileNetV2, 2018, Table 4: 300 M; 3.50 M",
    build, image_spec, samples, parameters=3_504_872, macs=300_000_000,
)  # fmt: skip
