"""MobileNetV3-small: hard-swish, and squeeze-and-excite, a product of two activations."""

from __future__ import annotations

from torch import Tensor, nn

from quantbench.samples.records import Array, Arrays
from tests.families import generate
from tests.families.blocks import InvertedResidual, conv_bn
from tests.families.family import Family, channels, classes, image_size, image_spec

RE, HS = nn.ReLU, nn.Hardswish
STAGES = (
    (3, 16, 16, True, RE, 2), (3, 72, 24, False, RE, 2), (3, 88, 24, False, RE, 1),
    (5, 96, 40, True, HS, 2), (5, 240, 40, True, HS, 1), (5, 240, 40, True, HS, 1),
    (5, 120, 48, True, HS, 1), (5, 144, 48, True, HS, 1), (5, 288, 96, True, HS, 2),
    (5, 576, 96, True, HS, 1), (5, 576, 96, True, HS, 1),
)  # fmt: skip
"""Kernel, expanded channels, channels, squeeze, activation and stride: Table 2 of the paper."""


class SqueezeExcite(nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        narrow = max(8, (count // 4 + 4) // 8 * 8)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(count, narrow, 1), nn.ReLU(),
            nn.Conv2d(narrow, count, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, inputs: Tensor) -> Tensor:
        gate: Tensor = self.gate(inputs)
        return inputs * gate


def build(width: float) -> nn.Module:
    before = channels(16, width)
    parts: list[nn.Module] = [conv_bn(3, before, 3, 2, activation=HS)]
    for kernel, expanded, full, squeezes, activation, stride in STAGES:
        wide, after = channels(expanded, width), channels(full, width)
        gate = SqueezeExcite(wide) if squeezes else None
        parts.append(InvertedResidual(before, wide, after, kernel, stride, activation, gate))
        before = after
    last, hidden = channels(576, width), channels(1024, width)
    return nn.Sequential(
        *parts, conv_bn(before, last, 1, activation=HS), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(last, hidden), HS(), nn.Linear(hidden, classes(width)),
    )  # fmt: skip


def samples(width: float, count: int, seed: int) -> tuple[Arrays, Array]:
    return generate.images(image_size(width), classes(width), count, seed)


FAMILY = Family(
    "MobileNetV3-small", "Howard et al., Searching for MobileNetV3, 2019, Table 3: 56 M; 2.54 M",
    build, image_spec, samples, parameters=2_542_856, macs=56_500_000,
)  # fmt: skip
